"""Stories about the states of runs: every step from one state to another, and what becomes of the run."""

from __future__ import annotations

from typing import Any, Final

from support.beside import Player, Story

State = dict[str, Any]
RESULT: Final = {"type": "reference", "storage_key": "there"}

STATES: Final[dict[str, State]] = {
    "Scheduled": {"type": "SCHEDULED"},
    "Late": {"type": "SCHEDULED", "name": "Late"},
    "AwaitingRetry": {"type": "SCHEDULED", "name": "AwaitingRetry"},
    "Pending": {"type": "PENDING"},
    "Submitting": {"type": "PENDING", "name": "Submitting"},
    "Running": {"type": "RUNNING"},
    "Paused": {"type": "PAUSED"},
    "Suspended": {"type": "PAUSED", "name": "Suspended", "state_details": {"pause_reschedule": True}},
    "Cancelling": {"type": "CANCELLING"},
    "Cancelled": {"type": "CANCELLED"},
    "Completed": {"type": "COMPLETED", "message": "done"},
    "Cached": {"type": "COMPLETED", "name": "Cached", "data": RESULT},
    "Failed": {"type": "FAILED"},
    "Crashed": {"type": "CRASHED"},
}


def _steps(source: str, *, deployment: bool, force: bool = False) -> Story:
    """From one state to every other."""

    def story(play: Player) -> None:
        name = f"from {source}, deployment {deployment}, force {force}"
        flow = play.post("/flows/", name=name)["id"]
        fields: dict[str, Any] = {"flow_id": flow}
        if deployment:
            fields["deployment_id"] = play.post("/deployments/", name=name, flow_id=flow)["id"]
        for target, wanted in STATES.items():
            run = _made(play, "/flow_runs/", {**fields, "name": f"{source} to {target}"}, STATES[source])
            play.post(f"/flow_runs/{run}/set_state", state=wanted, force=force)
        play.post("/flow_runs/filter", flows={"id": {"any_": [flow]}}, sort="NAME_ASC", limit=200)

    return story


def _made(play: Player, path: str, fields: dict[str, Any], state: State) -> str:
    """A run in this state. Prefect's server fails when a run begins with a result; it has to come later."""
    if "data" not in state:
        return play.post(path, {**fields, "state": state})["id"]
    run = play.post(path, fields)["id"]
    play.post(f"{path}{run}/set_state", state=state)
    return run


def _task_steps(source: str) -> Story:
    def story(play: Player) -> None:
        name = f"tasks from {source}"
        flow = play.post("/flows/", name=name)["id"]
        parent = play.post("/flow_runs/", flow_id=flow, name="parent", state={"type": "RUNNING"})["id"]
        for target, wanted in STATES.items():
            fields = {"flow_run_id": parent, "task_key": "t", "dynamic_key": f"{source} to {target}", "name": f"{source} to {target}"}
            task = _made(play, "/task_runs/", fields, STATES[source])
            play.post(f"/task_runs/{task}/set_state", state=wanted)
        play.post("/task_runs/filter", flow_runs={"id": {"any_": [parent]}}, sort="NAME_ASC", limit=200)

    return story


# Each of these to each of all states would take minutes, and every rule is met by these
STORIES: Final[dict[str, Story]] = {
    **{f"from {name}": _steps(name, deployment=False) for name in ("Suspended", "Failed")},
    **{
        f"from {name} of a deployment": _steps(name, deployment=True)
        for name in ("Late", "Pending", "Running", "Paused", "Cancelling", "Cached")
    },
    **{f"from {name} by force": _steps(name, deployment=True, force=True) for name in ("Scheduled", "Cached")},
    **{f"a task from {name}": _task_steps(name) for name in ("Running", "Cached", "Cancelled")},
}
