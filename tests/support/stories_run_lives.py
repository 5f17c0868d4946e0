"""Stories about what becomes of runs: tries, pauses, times, subflows, tasks and slots, one state after another."""

from __future__ import annotations

from typing import Any, Final

from support.beside import Player, Story
from support.stories_run_states import RESULT, State

NOBODY: Final = "00000000-0000-4000-8000-000000000000"


def retries(play: Player) -> None:
    """Failures with tries left, until none is; by each name that the policy has for it."""
    for policy in (
        {"retries": 1, "retry_delay": 0},
        {"max_retries": 1, "retry_delay_seconds": 300},
        {"retries": 0},
    ):
        run = _adhoc(play, "retries", empirical_policy=policy)
        _walk(play, run, {"type": "RUNNING"}, {"type": "FAILED", "message": "no", "data": RESULT}, {"type": "RUNNING"}, {"type": "FAILED"})
        _walk(play, run, {"type": "RUNNING"}, {"type": "CRASHED"}, {"type": "RUNNING"}, {"type": "COMPLETED"})


def pauses(play: Player) -> None:
    """Pauses with keys and time-outs, in process and suspended, of flows and subflows, resumed and not."""
    deployment = _deployed(play, "pauses")
    flow = play.post("/flows/", name="pauses")["id"]
    suspended = {"pause_reschedule": True}
    run = play.post("/flow_runs/", flow_id=flow, deployment_id=deployment, state={"type": "RUNNING"}, empirical_policy={"retries": 2})["id"]
    pause = {"type": "PAUSED", "state_details": {"pause_key": "1", "pause_timeout": play.at(600)}}
    _walk(play, run, pause, pause)
    play.post(f"/flow_runs/{run}/resume", {})
    play.post(f"/flow_runs/{run}/resume", {})
    _walk(play, run, pause, {**pause, "name": "Suspended", "state_details": {"pause_key": "2", **suspended}})
    play.post(f"/flow_runs/{run}/resume", {})
    play.get(f"/flow_runs/{run}")
    _walk(play, run, {"type": "PENDING"}, {"type": "RUNNING"}, {**pause, "state_details": {"pause_key": "2"}}, {"type": "FAILED"})
    _walk(play, run, {"type": "RUNNING"}, pause, {"type": "CANCELLING"}, {"type": "RUNNING"}, {"type": "CANCELLED"}, {"type": "SCHEDULED"})
    waiting = play.post("/flow_runs/", flow_id=flow, deployment_id=deployment, state={"type": "RUNNING"})["id"]
    keyset = {"description": "p-description", "response": "p-response", "schema": "p-schema"}
    _walk(play, waiting, {"type": "PAUSED", "state_details": {"pause_key": "p", "run_input_keyset": keyset}})
    play.post(f"/flow_runs/{waiting}/resume", {})
    schema = '{"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}'
    play.post(f"/flow_runs/{waiting}/input", key="p-schema", value=schema)
    play.post(f"/flow_runs/{waiting}/resume", run_input={"x": "no"})
    play.post(f"/flow_runs/{waiting}/resume", run_input={"x": 1})
    play.get(f"/flow_runs/{waiting}/input/p-response")
    play.post(f"/flow_runs/{waiting}/input/filter", prefix="p-", limit=10)
    play.post(f"/flow_runs/{waiting}/set_state", state={"type": "PAUSED", "state_details": {"pause_key": "q", "run_input_keyset": keyset}})
    play.get(f"/flow_runs/{waiting}/input/p-response")
    alone = _adhoc(play, "alone")
    _walk(play, alone, {"type": "RUNNING"}, {"type": "PAUSED", "name": "Suspended", "state_details": suspended})


def times(play: Player) -> None:
    """Runs that are due later, and those that were due before."""
    for seconds in (3600, -3):
        details = {"scheduled_time": play.at(seconds)}
        run = _adhoc(play, "times", state={"type": "SCHEDULED", "state_details": details})
        _walk(play, run, {"type": "RUNNING"}, {"type": "PENDING"}, {"type": "RUNNING"}, {"type": "PENDING", "name": "Submitting"})
        run = _adhoc(play, "times", state={"type": "SCHEDULED", "state_details": details})
        _walk(play, run, {"type": "PENDING", "state_details": {"scheduled_time": play.at(7200)}}, {"type": "RUNNING"})
        task = play.post("/task_runs/", task_key="times", dynamic_key=str(seconds), state={"type": "SCHEDULED", "state_details": details})[
            "id"
        ]
        for state in ({"type": "RUNNING"}, {"type": "PENDING"}, {"type": "RUNNING"}, {"type": "COMPLETED"}):
            play.post(f"/task_runs/{task}/set_state", state=state)
            play.get(f"/task_runs/{task}")


def subflows(play: Player) -> None:
    """What becomes of the task run that stands for a subflow in its parent."""
    parent = _adhoc(play, "parent", state={"type": "RUNNING"})
    task = play.post("/task_runs/", flow_run_id=parent, task_key="sub", dynamic_key="0", name="sub-0")["id"]
    child = _adhoc(play, "child", parent_task_run_id=task, state={"type": "PENDING", "message": "begun"})
    for state in (
        {"type": "RUNNING"},
        {"type": "PAUSED", "state_details": {"pause_reschedule": True}},
        {"type": "COMPLETED", "data": RESULT},
    ):
        play.post(f"/flow_runs/{child}/set_state", state=state)
        play.get(f"/task_runs/{task}")
        play.get(f"/flow_runs/{child}")
    play.get("/task_run_states/", task_run_id=task)
    play.get("/flow_run_states/", flow_run_id=child)
    play.get(f"/flow_runs/{parent}/graph-v2")
    play.get(f"/flow_runs/{parent}/graph")


def tasks(play: Player) -> None:
    """Tries of tasks, results that are kept by a key, tasks of flows that do not run, and those that wait for who serves them."""
    flow_run = _adhoc(play, "tasks", state={"type": "RUNNING"})
    task = _task(play, flow_run, "tries", empirical_policy={"retries": 2, "retry_delay": [0, 300]})
    failed: State = {"type": "FAILED", "message": "no"}
    running: State = {"type": "RUNNING"}
    once_more = {**failed, "state_details": {"retriable": False}}
    _task_walk(play, task, running, failed, running, failed, running)
    _task_walk(play, _task(play, flow_run, "no", empirical_policy={"retries": 2}), running, once_more, running, {"type": "COMPLETED"})
    key = {"state_details": {"cache_key": "kept"}}
    _task_walk(play, _task(play, flow_run, "first"), {**running, **key}, {"type": "COMPLETED", "data": RESULT, "message": "m", **key})
    _task_walk(play, _task(play, flow_run, "second"), {**running, **key}, running)
    refreshed = {**running, "state_details": {"cache_key": "kept", "refresh_cache": True}}
    _task_walk(play, _task(play, flow_run, "third"), refreshed, {"type": "COMPLETED", "state_details": {"cache_key": "k" * 2001}})
    old = {"cache_key": "old", "cache_expiration": play.at(-60)}
    _task_walk(play, _task(play, flow_run, "fourth"), running, {"type": "COMPLETED", "state_details": old})
    _task_walk(play, _task(play, flow_run, "fifth"), {**running, "state_details": {"cache_key": "old"}})
    for state in ({"type": "PAUSED", "state_details": {"pause_timeout": play.at(60)}}, running, {"type": "COMPLETED"}):
        play.post(f"/flow_runs/{flow_run}/set_state", state=state)
        _task_walk(play, _task(play, flow_run, f"while {state['type']}"), running)
    deferred: State = {"type": "SCHEDULED", "state_details": {"deferred": True, "task_parameters_id": NOBODY}}
    alone = play.post("/task_runs/", task_key="served", dynamic_key="0", state=deferred)["id"]
    pending: State = {"type": "PENDING", "state_details": {"deferred": True}}
    _task_walk(play, alone, pending, pending, {**running, "state_details": {"deferred": True}}, pending, {"type": "COMPLETED"})


def slots(play: Player) -> None:
    """Runs of a deployment that has a limit, by each strategy."""
    for strategy, limit in (("ENQUEUE", 1), ("CANCEL_NEW", 1), ("ENQUEUE", 0)):
        flow = play.post("/flows/", name="slots")["id"]
        name = f"{strategy} {limit}"
        options = {"collision_strategy": strategy}
        made = play.post("/deployments/", name=name, flow_id=flow, concurrency_limit=limit or 1, concurrency_options=options)
        if not limit:
            play.patch(f"/v2/concurrency_limits/{made['global_concurrency_limit']['id']}", limit=0)
        first, second = (play.post(f"/deployments/{made['id']}/create_flow_run", name=f"{name} {n}")["id"] for n in range(2))
        for run in (first, second):
            play.post(f"/flow_runs/{run}/set_state", state={"type": "PENDING"})
            play.get(f"/flow_runs/{run}")
        _walk(play, first, {"type": "RUNNING"}, {"type": "COMPLETED"})
        _walk(play, second, {"type": "PENDING"}, {"type": "RUNNING"}, {"type": "COMPLETED"})


def _adhoc(play: Player, flow: str, **fields: Any) -> str:
    return play.post("/flow_runs/", {"flow_id": play.post("/flows/", name=flow)["id"], "name": flow, **fields})["id"]


def _task(play: Player, flow_run: str, key: str, **fields: Any) -> str:
    return play.post("/task_runs/", {"flow_run_id": flow_run, "task_key": key, "dynamic_key": "0", "name": key, **fields})["id"]


def _walk(play: Player, run: str, *states: State) -> None:
    """Proposes one state after another, and reads the run after each."""
    for state in states:
        play.post(f"/flow_runs/{run}/set_state", state=state)
        play.get(f"/flow_runs/{run}")


def _task_walk(play: Player, run: str, *states: State) -> None:
    for state in states:
        play.post(f"/task_runs/{run}/set_state", state=state)
        play.get(f"/task_runs/{run}")


def _deployed(play: Player, name: str) -> str:
    return play.post("/deployments/", name=name, flow_id=play.post("/flows/", name=name)["id"])["id"]


STORIES: Final[dict[str, Story]] = {story.__name__: story for story in (retries, pauses, times, subflows, tasks, slots)}
