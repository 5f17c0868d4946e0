"""What clients are answered about runs, where it is the database that finds it (the rest is in test_beside_prefects_server_runs.py)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.rest import Rest, fresh

RUNNING = {"type": "RUNNING"}


def _at(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def _scheduled(seconds: float) -> dict[str, Any]:
    return {"type": "SCHEDULED", "state_details": {"scheduled_time": _at(seconds)}}


def _run(rest: Rest, flow: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return rest.made("/flow_runs/", flow_id=flow["id"], **fields)


def _names(rest: Rest, flow: dict[str, Any], criterion: dict[str, Any]) -> list[str]:
    body = {"flows": {"id": {"any_": [flow["id"]]}}, "flow_runs": criterion, "sort": "NAME_ASC"}
    return [run["name"] for run in rest.made("/flow_runs/filter", body)]


@pytest.mark.parametrize(
    ("criterion", "names"),
    [
        ({"before_": 300}, ["begun", "overdue"]),
        ({"after_": 300}, ["later"]),
        ({"after_": -300}, ["begun", "later"]),
        ({"before_": 300, "is_null_": True}, ["overdue"]),
        ({"is_null_": False}, ["begun"]),
    ],
)
def test_a_run_that_has_not_begun_is_found_by_when_it_should(rest: Rest, criterion: dict[str, Any], names: list[str]) -> None:
    """`start_time` of what has none is its expected one, as in the order by it."""
    flow = rest.flow()
    for name, state in (("begun", RUNNING), ("overdue", _scheduled(-600)), ("later", _scheduled(600))):
        _run(rest, flow, name=name, state=state)
    asked = {name: value if isinstance(value, bool) else _at(value) for name, value in criterion.items()}
    assert _names(rest, flow, {"start_time": asked}) == names


def test_all_of_some_tags_or_one_of_others(rest: Rest) -> None:
    """With `or_` the tags of `all_` still belong together. Tags said twice are one tag."""
    flow = rest.flow()
    for name, tags in (("both", ["a", "b"]), ("half", ["a", "a"]), ("other", ["c"])):
        _run(rest, flow, name=name, tags=tags)
    assert _names(rest, flow, {"tags": {"operator": "or_", "all_": ["a", "b"], "any_": ["c"]}}) == ["both", "other"]
    assert _names(rest, flow, {"tags": {"all_": ["a"]}}) == ["both", "half"]


def test_the_next_run_may_be_overdue(rest: Rest) -> None:
    """The first of those that are scheduled, whether its time has come or not."""
    flow = rest.flow()
    _run(rest, flow, name="later", state=_scheduled(600))
    _run(rest, flow, name="overdue", state=_scheduled(-1))
    assert rest.made("/ui/flows/next-runs", flow_ids=[flow["id"]])[flow["id"]]["name"] == "overdue"


def test_a_task_run_that_stands_for_a_subflow_is_not_counted(rest: Rest) -> None:
    """It is shown as a run of its own; the state of the subflow names it."""
    flow = rest.flow()
    parent = _run(rest, flow, state=RUNNING)["id"]
    made = [rest.made("/task_runs/", flow_run_id=parent, task_key="t", dynamic_key=str(number)) for number in range(2)]
    child = _run(rest, flow, parent_task_run_id=made[0]["id"], state=RUNNING)
    assert rest.made("/ui/flow_runs/count-task-runs", flow_run_ids=[parent]) == {parent: 1}
    assert child["state"]["state_details"]["task_run_id"] == made[0]["id"]


def test_a_graph_since_a_moment_has_what_goes_on(rest: Rest) -> None:
    """Nodes that had ended before are left out, whenever the others began."""
    run = _run(rest, rest.flow(), state=RUNNING)["id"]
    for name, kind in (("done", "COMPLETED"), ("under way", "RUNNING")):
        rest.made("/task_runs/", flow_run_id=run, task_key="t", dynamic_key=name, name=name, state={"type": kind})
    graph = rest.read(f"/flow_runs/{run}/graph-v2", since=_at(60))
    assert [node["label"] for _, node in graph["nodes"]] == ["under way"]


def test_a_task_run_of_no_flow_is_known_by_its_keys(rest: Rest) -> None:
    """Asked for twice it is made once."""
    keys = {"task_key": fresh("task"), "dynamic_key": "0"}
    first, second = (rest.post("/task_runs/", **keys) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]


def test_what_a_run_was_given_before_is_not_taken_for_another_attempt(rest: Rest) -> None:
    """A pause that fires once more asks anew."""
    run = _run(rest, rest.flow(), state=RUNNING)["id"]
    rest.made(f"/flow_runs/{run}/input", key="answer", value='"old"')
    rest.made(f"/flow_runs/{run}/input", key="other", value='"kept"')
    paused = {"type": "PAUSED", "state_details": {"pause_key": "1", "run_input_keyset": {"response": "answer"}}}
    rest.made(f"/flow_runs/{run}/set_state", state=paused)
    assert rest.get(f"/flow_runs/{run}/input/answer").status_code == 404
    assert rest.get(f"/flow_runs/{run}/input/other").json() == "kept"


def test_job_variables_are_changed_before_a_run_begins(rest: Rest) -> None:
    """Later they would change nothing, and are refused; so are those of a run that no deployment executes."""
    run = rest.run()
    path = f"/flow_runs/{run['id']}"
    assert rest.patch(path, job_variables={"a": 1}).status_code == 204
    assert rest.read(path)["job_variables"] == {"a": 1}
    rest.set_state(run, "PENDING")
    assert rest.patch(path, job_variables={"a": 2}).status_code == 400
    adhoc = _run(rest, rest.flow(), state=_scheduled(0))["id"]
    assert rest.patch(f"/flow_runs/{adhoc}", job_variables={"a": 2}).status_code == 400


def test_a_task_runs_only_while_its_flow_does(rest: Rest) -> None:
    """While the flow is paused the task is told to wait; how often it has tried is counted by the flow's own try."""
    run = _run(rest, rest.flow(), state=RUNNING)["id"]
    tasks = [rest.made("/task_runs/", flow_run_id=run, task_key="t", dynamic_key=str(number))["id"] for number in range(2)]
    rest.made(f"/task_runs/{tasks[0]}/set_state", state=RUNNING)
    assert rest.read(f"/task_runs/{tasks[0]}")["flow_run_run_count"] == 1
    rest.made(f"/flow_runs/{run}/set_state", state={"type": "PAUSED"})
    answer = rest.made(f"/task_runs/{tasks[1]}/set_state", state=RUNNING)
    assert (answer["status"], answer["state"]["name"]) == ("REJECT", "NotReady")
    assert answer["state"]["state_details"]["task_run_id"] == tasks[1]


@pytest.mark.parametrize("kind", ["FAILED", "CRASHED", "CANCELLED", "COMPLETED"])
def test_a_suspended_run_ends_though_its_deployment_is_gone(rest: Rest, kind: str) -> None:
    """It cannot go on, for nobody would start it; it can be given up."""
    deployment = rest.deployment()
    run = rest.run(deployment)
    for step in ("PENDING", "RUNNING"):
        rest.set_state(run, step)
    assert rest.set_state(run, "PAUSED", "Suspended", pause_reschedule=True, pause_timeout=_at(600)).json()["status"] == "ACCEPT"
    assert rest.delete(f"/deployments/{deployment['id']}").status_code == 204
    refused = [rest.set_state(run, on).json()["details"]["reason"] for on in ("RUNNING", "SCHEDULED")]
    assert refused == [f"Cannot reschedule a {on} flow run without a deployment." for on in ("running", "scheduled")]
    answer = rest.set_state(run, kind).json()
    assert (answer["status"], answer["state"]["type"]) == ("ACCEPT", kind)
