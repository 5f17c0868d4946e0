"""Stories about flows, flow runs and task runs themselves: made, read, changed, removed, of deployments, with input, and not found."""

from __future__ import annotations

from typing import Any, Final

from support.beside import Player, Story

NOBODY: Final = "00000000-0000-4000-8000-000000000000"


def flows(play: Player) -> None:
    flow = play.post("/flows/", name="nouns", tags=["b", "a", "b"], labels={"team": "x", "n": 1, "f": 1.5, "b": True})
    play.post("/flows/", name="nouns", tags=["other"], labels={"team": "y"})
    play.get(f"/flows/{flow['id']}")
    play.get("/flows/name/nouns")
    play.get("/flows/name/none of these")
    play.get("/flows/name/with%20space")
    play.get(f"/flows/{NOBODY}")
    play.get("/flows/no-uuid")
    play.patch(f"/flows/{flow['id']}", tags=["c"])
    play.get(f"/flows/{flow['id']}")
    play.patch(f"/flows/{flow['id']}", tags=[])
    play.patch(f"/flows/{flow['id']}", name="other")
    play.patch(f"/flows/{flow['id']}", {})
    play.get(f"/flows/{flow['id']}")
    play.patch(f"/flows/{NOBODY}", tags=["c"])
    for name in ("", "a/b", "a%b", "a&b", "a>b", 'a"b', "ü", " ", "a b"):
        play.post("/flows/", name=name)
    play.post("/flows/", {})
    play.post("/flows/", name=1)
    play.post("/flows/", name="x", unknown=1)
    play.post("/flows/", name="x", tags="no list")
    play.post("/flows/", name="x", labels={"a": {"nested": 1}})
    play.post("/flows/", "no json")
    play.post("/flows/", "[]")
    play.post("/flows/", "")
    run = play.post("/flow_runs/", flow_id=flow["id"], state={"type": "COMPLETED"})
    play.delete(f"/flows/{flow['id']}")
    play.delete(f"/flows/{flow['id']}")
    play.get(f"/flow_runs/{run['id']}")
    play.post("/flows/bulk_delete", flows={"name": {"any_": ["ü"]}})
    play.post("/flows/bulk_delete", flows={"name": {"any_": ["ü"]}})


def created_runs(play: Player) -> None:
    flow = play.post("/flows/", name="created", labels={"of": "flow"})["id"]
    made = [
        play.post("/flow_runs/", flow_id=flow),
        play.post("/flow_runs/", flow_id=flow, name="named", tags=["b", "a", "b"], parameters={"x": [1, {"y": None}]}, context={"c": 1}),
        play.post("/flow_runs/", flow_id=flow, name=""),
        play.post("/flow_runs/", flow_id=flow, labels={"of": "run", "n": 1}, flow_version="7", job_variables={"env": {"A": "1"}}),
        play.post("/flow_runs/", flow_id=flow, state=None, name=None, parameters=None),
        play.post("/flow_runs/", flow_id=flow, state={"type": "SCHEDULED", "name": "Odd", "message": "m"}, idempotency_key="k"),
        play.post("/flow_runs/", flow_id=flow, name="again", idempotency_key="k"),
        play.post("/flow_runs/", flow_id=flow, empirical_policy={"retries": 2, "retry_delay": 3}),
        play.post("/flow_runs/", flow_id=flow, empirical_policy={"max_retries": 2, "retry_delay_seconds": 3}),
        play.post("/flow_runs/", flow_id=flow, empirical_policy={"pause_keys": ["a"], "resuming": True, "retry_type": "in_process"}),
        play.post("/flow_runs/", flow_id=flow, state={"type": "SCHEDULED", "state_details": {"scheduled_time": play.at(-3)}}),
        play.post("/flow_runs/", flow_id=flow, state={"type": "PENDING", "state_details": {"scheduled_time": play.at(60)}}),
        play.post("/flow_runs/", flow_id=flow, state={"type": "RUNNING", "state_details": {"cache_key": "k", "retriable": True}}),
        play.post("/flow_runs/", flow_id=flow, work_queue_name="there-is-none"),
        play.post("/flow_runs/", flow_id=flow, work_pool_name="there-is-none"),
        play.post("/flow_runs/", flow_id=NOBODY),
        play.post("/flow_runs/", {}),
        play.post("/flow_runs/", flow_id=flow, unknown=1),
        play.post("/flow_runs/", flow_id=flow, state={"type": "NOPE"}),
        play.post("/flow_runs/", flow_id=flow, state={"name": "x"}),
        play.post("/flow_runs/", flow_id=flow, state={"type": "RUNNING", "unknown": 1}),
        play.post("/flow_runs/", flow_id=flow, state={"type": "RUNNING", "state_details": {"unknown": 1}}),
        play.post("/flow_runs/", flow_id=flow, state={"type": "RUNNING", "timestamp": play.at(0)}),
        play.post("/flow_runs/", flow_id=flow, tags="x"),
        play.post("/flow_runs/", flow_id=flow, tags=None),
        play.post("/flow_runs/", flow_id=flow, parameters=[1]),
        play.post("/flow_runs/", flow_id="x"),
        play.post("/flow_runs/", flow_id=flow, empirical_policy={"retries": -1}),
        play.post("/flow_runs/", flow_id=flow, empirical_policy={"unknown": 1}),
        play.post("/flow_runs/", flow_id=flow, empirical_policy={"retry_type": "nope"}),
    ]
    for run in made:
        play.get(f"/flow_runs/{run.get('id', NOBODY)}")


def changed_runs(play: Player) -> None:
    flow = play.post("/flows/", name="changed")["id"]
    run = play.post("/flow_runs/", flow_id=flow, tags=["a"], parameters={"x": 1}, labels={"a": "b"})["id"]
    changes: list[dict[str, Any]] = [
        {"name": "other"},
        {"name": None},
        {"tags": ["b", "b", "a"]},
        {"tags": None},
        {"tags": []},
        {"parameters": {"y": 2}},
        {"parameters": None},
        {"flow_version": "2"},
        {"flow_version": None},
        {"infrastructure_pid": "host:1"},
        {"infrastructure_pid": None},
        {"job_variables": {"a": 1}},
        {"job_variables": None},
        {"empirical_policy": {"retries": 3}},
        {"empirical_policy": {"retry_delay": 3}},
        {"empirical_policy": {}},
        {"empirical_policy": None},
        {},
        {"unknown": 1},
        {"state": {"type": "RUNNING"}},
        {"flow_id": NOBODY},
        {"labels": {"c": "d"}},
        {"name": 1},
    ]
    for change in changes:
        play.patch(f"/flow_runs/{run}", change)
        play.get(f"/flow_runs/{run}")
    for labels in ({"c": "d"}, {"a": 1, "b": True}, {}):
        play.patch(f"/flow_runs/{run}/labels", labels)
        play.get(f"/flow_runs/{run}")
    play.patch(f"/flow_runs/{run}/labels", "[]")
    play.patch(f"/flow_runs/{NOBODY}/labels", {"a": "b"})
    play.patch(f"/flow_runs/{NOBODY}", name="x")
    play.delete(f"/flow_runs/{run}")
    play.delete(f"/flow_runs/{run}")
    play.get(f"/flow_runs/{run}")
    play.post(f"/flow_runs/{run}/set_state", state={"type": "RUNNING"})
    play.post(f"/flow_runs/{run}/resume", {})
    play.get(f"/flow_runs/{run}/graph")
    play.get(f"/flow_runs/{run}/graph-v2")
    play.get(f"/flow_runs/{run}/logs/download")
    play.get("/flow_runs/no-uuid")
    play.get("/flow_run_states/", flow_run_id=run)
    play.get("/flow_run_states/")
    play.get("/flow_run_states/", flow_run_id="x")
    play.get(f"/flow_run_states/{NOBODY}")


def removed_runs(play: Player) -> None:
    flow = play.post("/flows/", name="removed")["id"]
    run = play.post("/flow_runs/", flow_id=flow)["id"]
    task = play.post("/task_runs/", flow_run_id=run, task_key="t", dynamic_key="0")["id"]
    play.post("/logs/", [{"name": "n", "level": 20, "message": "m", "timestamp": play.at(0), "flow_run_id": run}])
    play.delete(f"/flow_runs/{run}")
    play.get(f"/task_runs/{task}")
    play.get("/task_run_states/", task_run_id=task)
    runs = [play.post("/flow_runs/", flow_id=flow, name=f"r{n}")["id"] for n in range(3)]
    play.post("/flow_runs/bulk_set_state", flow_runs={"id": {"any_": runs[:1]}}, state={"type": "CANCELLING"})
    play.post("/flow_runs/bulk_delete", flow_runs={"id": {"any_": runs[:1]}})
    play.post("/flow_runs/bulk_delete", flow_runs={"id": {"any_": [NOBODY]}})
    play.post("/flow_runs/bulk_set_state", {})
    play.post("/flow_runs/filter", flows={"id": {"any_": [flow]}}, sort="NAME_ASC")


def task_runs(play: Player) -> None:
    flow = play.post("/flows/", name="tasks", labels={"of": "flow"})["id"]
    run = play.post("/flow_runs/", flow_id=flow, labels={"of": "run"}, state={"type": "RUNNING"})["id"]
    keys = {"flow_run_id": run, "task_key": "m.task", "dynamic_key": "0"}
    made = [
        play.post("/task_runs/", keys),
        play.post("/task_runs/", {**keys, "name": "again", "tags": ["x"]}),
        play.post("/task_runs/", {**keys, "dynamic_key": "1", "name": "named", "tags": ["b", "a", "b"], "labels": {"a": 1}}),
        play.post("/task_runs/", {**keys, "dynamic_key": "2", "empirical_policy": {"retries": 2, "retry_delay": [1, 2]}}),
        play.post("/task_runs/", {**keys, "dynamic_key": "3", "empirical_policy": {"max_retries": 2, "retry_delay_seconds": 1}}),
        play.post("/task_runs/", {**keys, "dynamic_key": "4", "cache_key": "c", "cache_expiration": play.at(60), "task_version": "v"}),
        play.post("/task_runs/", {**keys, "dynamic_key": "5", "task_inputs": {"x": [{"input_type": "constant", "type": "int"}]}}),
        play.post("/task_runs/", {**keys, "dynamic_key": "6", "task_inputs": {"x": [{"input_type": "parameter", "name": "p"}]}}),
        play.post("/task_runs/", {**keys, "dynamic_key": "7", "task_inputs": {"x": [{"input_type": "task_run", "id": NOBODY}]}}),
        play.post("/task_runs/", {**keys, "dynamic_key": "8", "id": NOBODY}),
        play.post("/task_runs/", task_key="alone", dynamic_key="0"),
        play.post("/task_runs/", task_key="alone", dynamic_key="0", name="alone again"),
        play.post("/task_runs/", {**keys, "dynamic_key": "9", "state": {"type": "SCHEDULED", "message": "m"}}),
        play.post("/task_runs/", flow_run_id=NOBODY, task_key="t", dynamic_key="0"),
        play.post("/task_runs/", task_key="t"),
        play.post("/task_runs/", {**keys, "unknown": 1}),
        play.post("/task_runs/", {**keys, "dynamic_key": 1}),
        play.post("/task_runs/", {**keys, "dynamic_key": "10", "empirical_policy": {"retry_delay": [1] * 51}}),
        play.post("/task_runs/", {**keys, "dynamic_key": "11", "empirical_policy": {"retry_jitter_factor": -1}}),
        play.post("/task_runs/", {**keys, "dynamic_key": "12", "cache_key": "c" * 2001}),
        play.post("/task_runs/", {**keys, "dynamic_key": "13", "task_inputs": {"x": [{"input_type": "nope"}]}}),
        play.post("/task_runs/", {**keys, "dynamic_key": "14", "name": ""}),
        play.post("/task_runs/", {**keys, "dynamic_key": "abcdefghijklmnop"}),
    ]
    for task in made:
        play.get(f"/task_runs/{task.get('id', NOBODY)}")
    task = made[0]["id"]
    for change in ({"name": "other"}, {"name": None}, {"name": ""}, {}, {"tags": []}, {"name": 1}):
        play.patch(f"/task_runs/{task}", change)
        play.get(f"/task_runs/{task}")
    play.patch(f"/task_runs/{NOBODY[:-1]}1", name="x")
    play.get("/task_run_states/", task_run_id=task)
    play.get(f"/task_run_states/{NOBODY}")
    play.get("/task_run_states/")
    play.delete(f"/task_runs/{task}")
    play.delete(f"/task_runs/{task}")
    play.get(f"/task_runs/{task}")
    play.post(f"/task_runs/{task}/set_state", state={"type": "RUNNING"})
    play.get("/task_runs/no-uuid")
    play.get(f"/ui/task_runs/{task}")
    play.get(f"/ui/task_runs/{made[2]['id']}")


def states(play: Player) -> None:
    """What may be said of a state, and what is refused."""
    flow = play.post("/flows/", name="states")["id"]
    run = play.post("/flow_runs/", flow_id=flow)["id"]
    details: dict[str, Any] = {
        "scheduled_time": play.at(3600),
        "cache_key": "k",
        "cache_expiration": play.at(60),
        "untrackable_result": True,
        "pause_timeout": play.at(60),
        "pause_reschedule": False,
        "pause_key": "p",
        "run_input_keyset": {"schema": "s", "response": "r"},
        "refresh_cache": True,
        "retriable": False,
        "task_parameters_id": NOBODY,
        "traceparent": "t",
        "flow_run_id": NOBODY,
        "task_run_id": NOBODY,
        "child_flow_run_id": NOBODY,
        "deferred": False,
    }
    play.post(f"/flow_runs/{run}/set_state", state={"type": "PENDING", "message": "m", "state_details": details})
    play.get(f"/flow_runs/{run}")
    bodies: list[Any] = [
        {},
        {"state": None},
        {"state": {"type": "NOPE"}},
        {"state": {"type": "running"}},
        {"state": {"type": "RUNNING", "name": 1}},
        {"state": {"type": "RUNNING", "id": NOBODY}},
        {"state": {"type": "RUNNING", "timestamp": play.at(0)}},
        {"state": {"type": "RUNNING", "state_details": {"scheduled_time": "no time"}}},
        {"state": {"type": "RUNNING", "state_details": {"unknown": 1}}},
        {"state": {"type": "RUNNING"}, "force": "maybe"},
        {"state": {"type": "RUNNING"}, "unknown": 1},
        "{",
        "null",
    ]
    for body in bodies:
        play.post(f"/flow_runs/{run}/set_state", body)
    play.post(f"/flow_runs/{NOBODY}/set_state", state={"type": "RUNNING"})
    play.post(f"/task_runs/{NOBODY}/set_state", state={"type": "RUNNING"})
    play.post("/flow_runs/no-uuid/set_state", state={"type": "RUNNING"})
    for state in (
        {"type": "RUNNING"},
        {"type": "RUNNING", "state_details": {"transition_id": NOBODY}, "name": "One"},
        {"type": "RUNNING", "state_details": {"transition_id": NOBODY}, "name": "Two"},
        {"type": "COMPLETED", "message": "", "name": ""},
        {"type": "COMPLETED", "data": {"type": "reference", "x": 1}, "message": "result"},
        {"type": "COMPLETED", "data": "text"},
        {"type": "COMPLETED", "data": 0},
        {"type": "FAILED", "message": "x" * 70},
        {"type": "SCHEDULED"},
        {"type": "COMPLETED", "state_details": None},
    ):
        play.post(f"/flow_runs/{run}/set_state", state=state)
        play.get(f"/flow_runs/{run}")
        play.post(f"/flow_runs/{run}/set_state", state=state, force=True)
        play.get(f"/flow_runs/{run}")
    for state in play.get("/flow_run_states/", flow_run_id=run):
        play.get(f"/flow_run_states/{state['id']}")


def run_input(play: Player) -> None:
    flow = play.post("/flows/", name="input")["id"]
    run = play.post("/flow_runs/", flow_id=flow, state={"type": "RUNNING"})["id"]
    base = f"/flow_runs/{run}/input"
    play.post(base, key="a-1", value='{"x": 1}', sender=None)
    play.post(base, key="a-2", value="2", sender="me")
    play.post(base, key="b", value="text that is no JSON")
    play.post(base, key="a-1", value="again")
    play.post(base, key="", value="1")
    play.post(base, value="1")
    play.post(base, key="c", value=1)
    play.post(base, key="c", value=None)
    play.post(base, key="c", value="1", unknown=1)
    play.post(f"/flow_runs/{NOBODY}/input", key="a", value="1")
    for key in ("a-1", "b", "none"):
        play.get(f"{base}/{key}")
    play.get(f"/flow_runs/{NOBODY}/input/a-1")
    play.post(f"{base}/filter", prefix="a", limit=10, exclude_keys=[])
    play.post(f"{base}/filter", prefix="a", limit=1)
    play.post(f"{base}/filter", prefix="a", exclude_keys=["a-1"])
    play.post(f"{base}/filter", prefix="", limit=10)
    play.post(f"{base}/filter", {})
    play.post(f"{base}/filter", prefix="a", limit=-1)
    play.post(f"{base}/filter", prefix="a", limit=0)
    play.post(f"/flow_runs/{NOBODY}/input/filter", prefix="a")
    play.delete(f"{base}/a-1")
    play.delete(f"{base}/a-1")
    play.delete(f"/flow_runs/{NOBODY}/input/a")


def in_pools(play: Player) -> None:
    """Runs in pools and queues that there are, and are not, and are gone."""
    flow = play.post("/flows/", name="pools")["id"]
    play.post("/work_pools/", name="pools", type="process")
    deployment = play.post("/deployments/", name="pools", flow_id=flow, work_pool_name="pools")["id"]
    places: list[dict[str, Any]] = [
        {"work_pool_name": "pools"},
        {"work_pool_name": "pools", "work_queue_name": "there-is-none"},
        {"work_pool_name": "pools", "work_queue_name": "default"},
        {"work_queue_name": "default"},
        {"deployment_id": deployment},
        {"deployment_id": deployment, "work_pool_name": "pools"},
    ]
    for place in places:
        run = play.post("/flow_runs/", {"flow_id": flow, "name": "pooled", **place})
        play.get(f"/flow_runs/{run.get('id', NOBODY)}")
    run = play.post(f"/deployments/{deployment}/create_flow_run", name="outlives")["id"]
    play.delete("/work_pools/pools")
    play.get(f"/flow_runs/{run}")
    play.delete(f"/deployments/{deployment}")
    play.get(f"/flow_runs/{run}")
    for kind in ("PENDING", "FAILED", "SCHEDULED"):
        play.post(f"/flow_runs/{run}/set_state", state={"type": kind})
    play.delete(f"/flows/{flow}")
    play.get(f"/flow_runs/{run}")


def odd_bodies(play: Player) -> None:
    """What is no query, and what hardly is one. Some ask for everything: it is the first story."""
    nothing = {"flow_runs": {"id": {"any_": []}}}
    bodies: list[Any] = ["null", "[]", "1", '"x"', "{", {"sort": 1}, {"limit": 1.5}, {"limit": "5", **nothing}, {"offset": "1", **nothing}]
    bodies += [{"limit": True}, {"flow_runs": []}, {"flow_runs": {"id": {"any_": "x"}}}, {"flow_runs": {"tags": {"all_": [1]}}}]
    bodies += [{"flow_runs": {"operator": "xor"}}, {"flows": {"name": "x"}}, {"unknown": 1, **nothing}]
    for body in bodies:
        for path in ("/flow_runs/filter", "/task_runs/paginate", "/flows/count"):
            play.post(path, body, unordered=True)


STORIES: Final[dict[str, Story]] = {
    story.__name__: story for story in (odd_bodies, flows, created_runs, changed_runs, removed_runs, task_runs, states, run_input, in_pools)
}
