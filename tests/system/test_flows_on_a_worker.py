"""Flows of the SDK on a real worker and a real server: what only both together show."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from flowhand import flow
from support.server import running_server
from support.worker import Api, running_worker

FLOWS = """
from flowhand import flow, get_run_logger, run_deployment, task
from flowhand.runtime import flow_run, task_run

@task
def number(n):
    get_run_logger().info("in the task")
    return n

@task
def numbers():
    return [1, 2]

@flow(persist_result=True)
def child(n: int = 0, more: list | None = None):
    return n

@flow(persist_result=True)
def parent():
    future = number.submit(7)
    listed = numbers()
    linked = run_deployment("child/d", parameters={"n": future, "more": [listed, 1]})
    loose = run_deployment("child/d", parameters={"n": 1}, as_subflow=False)
    return [linked.id, loose.id, linked.state.name]

@flow(persist_result=True)
async def parent_async():
    found = await run_deployment("child/d", timeout=30)
    return found.state.name

@task(retries=1)
def shaky(n):
    if n == 2 and task_run.run_count < 2:
        raise ValueError("not yet")
    return n

@flow
def called(n: int):
    get_run_logger().info("in the subflow")
    number(n)
    return flow_run.id

@flow(persist_result=True)
def calling():
    get_run_logger().info("in the caller")
    return called(3)

@flow(retries=1)
def working():
    shaky.map([1, 2]).result()
    if flow_run.run_count < 2:
        raise ValueError("again")

@flow(retries=1)
def twice():
    run_deployment("child/d", timeout=0)
    if flow_run.run_count < 2:
        raise ValueError("again")
"""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Generator[Api]:
    folder = tmp_path_factory.mktemp("flows")
    (folder / "flows.py").write_text(FLOWS)
    with running_server(folder / "home") as server:
        api = Api(server)
        api.pool("pool")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FLOWHAND_API_URL", server.url)
            for name in ("child", "parent", "parent_async", "twice", "working", "calling"):
                loaded = flow.from_source(str(folder), f"flows.py:{name}")
                loaded.deploy("d", work_pool_name="pool", print_next_steps=False)
        with running_worker(server, home=folder / "worker", cwd=Path("/")):
            yield api


def run(api: Api, name: str) -> dict[str, object]:
    deployment = api.call("GET", f"/deployments/name/{name}/d")
    return api.ended(api.run(deployment["id"]))


def test_a_run_made_inside_a_run_is_linked_to_it(api: Api) -> None:
    """Through a task run in the parent, named flow/deployment, futures and task results as its inputs; not with as_subflow=False."""
    ended = run(api, "parent")
    assert ended["state_name"] == "Completed", ended["state"]
    linked, loose, state = ended["state"]["data"]  # type: ignore[index]
    assert state == "Completed"
    child = api.read(linked)
    assert child["parameters"] == {"n": 7, "more": [[1, 2], 1]}
    task_run = api.call("GET", f"/task_runs/{child['parent_task_run_id']}")
    assert (task_run["name"], task_run["flow_run_id"], task_run["state_name"]) == ("child/d", ended["id"], "Completed")
    assert task_run["task_key"].endswith(".child-d")
    inputs = {name: [one["id"] for one in found] for name, found in task_run["task_inputs"].items()}
    named = {
        one["name"].partition("-")[0]: one["id"]
        for one in api.call("POST", "/task_runs/filter", {"flow_runs": {"id": {"any_": [ended["id"]]}}})
    }
    assert inputs == {"n": [named["number"]], "more": [named["numbers"]]}
    assert api.read(loose)["parent_task_run_id"] is None
    assert "in the task" in api.logs(ended["id"])  # type: ignore[arg-type]


def test_run_deployment_is_awaited_in_an_async_flow(api: Api) -> None:
    """And answers the run at its end."""
    assert run(api, "parent-async")["state"]["data"] == "Completed"  # type: ignore[index]


def test_another_try_links_to_the_same_task_run(api: Api) -> None:
    """The keys of a second try are those of the first."""
    ended = run(api, "twice")
    assert (ended["state_name"], ended["run_count"]) == ("Completed", 2)
    found = api.call("POST", "/task_runs/filter", {"flow_runs": {"id": {"any_": [ended["id"]]}}})
    assert [(one["name"], one["dynamic_key"]) for one in found] == [("child/d", "0")]


def test_the_tasks_of_a_run_are_known_to_the_api(api: Api) -> None:
    """Each is one task run however often its flow is tried, with the states of every try."""
    ended = run(api, "working")
    assert ended["state_name"] == "Completed", ended["state"]
    found = api.call("POST", "/task_runs/filter", {"flow_runs": {"id": {"any_": [ended["id"]]}}, "sort": "NAME_ASC"})
    assert [(one["name"], one["state_type"]) for one in found] == [("shaky-0", "COMPLETED"), ("shaky-1", "COMPLETED")]
    names = [state["name"] for state in api.call("GET", f"/task_run_states/?task_run_id={found[1]['id']}")]
    tried = ["Pending", "Running", "AwaitingRetry", "Retrying", "Completed"]
    assert names == [*tried, *tried]


def test_a_flow_that_a_run_calls_is_a_run_of_its_own(api: Api) -> None:
    """Linked to the caller through a task run, with its own states, lines and tasks; the caller's log has none of its lines."""
    ended = run(api, "calling")
    assert ended["state_name"] == "Completed", ended["state"]
    called = api.read(ended["state"]["data"])  # type: ignore[index]
    assert (called["state_name"], called["parameters"]) == ("Completed", {"n": 3})
    link = api.call("GET", f"/task_runs/{called['parent_task_run_id']}")
    assert (link["flow_run_id"], link["state_name"]) == (ended["id"], "Completed")
    assert "in the subflow" in api.logs(called["id"])
    assert "in the subflow" not in api.logs(ended["id"])  # type: ignore[arg-type]
    assert "in the caller" in api.logs(ended["id"])  # type: ignore[arg-type]
    tasks = api.call("POST", "/task_runs/filter", {"flow_runs": {"id": {"any_": [called["id"]]}}})
    assert [(one["name"], one["state_type"]) for one in tasks] == [("number-0", "COMPLETED")]
