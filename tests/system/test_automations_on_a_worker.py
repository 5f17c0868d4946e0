"""Triggers of deployments that a worker executes: one flow emits an event, another is run by it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from support.cli import environment
from support.server import running_server
from support.worker import Api, running_worker, wait_for, write_flows

FLOWS = """
import sys

from flowhand import task
from flowhand.events import DeploymentEventTrigger, emit_event


@task
def deep():
    emit_event("milk.spilt", {"prefect.resource.id": "kitchen.floor"}, payload={"litres": 2})


@flow
def spill():
    deep()
    get_run_logger().info("a client was loaded: %s", "httpx" in sys.modules)


@flow
def wipe(litres: int, again: bool = False):
    get_run_logger().info("wiped %d litres", litres)
    if again:
        emit_event("floor.wet", {"prefect.resource.id": "kitchen.floor"})


if __name__ == "__main__":
    spilt = DeploymentEventTrigger(
        expect=["milk.spilt"],
        match_related={"prefect.resource.role": "deployment", "prefect.resource.name": "spill"},
        parameters={"litres": "{{ event.payload.litres }}"},
    )
    wet = DeploymentEventTrigger(expect=["floor.wet"], parameters={"litres": 1, "again": True})
    spill.to_deployment("spill").apply(work_pool_name="pool")
    wipe.to_deployment("wipe", triggers=[spilt, wet]).apply(work_pool_name="pool")
"""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server, a worker, and the deployments above."""
    place = tmp_path_factory.mktemp("house")
    folder = write_flows(place / "flows", FLOWS)
    with running_server(place / "server") as server:
        api = Api(server)
        api.pool("pool")
        subprocess.run([sys.executable, "flows.py"], cwd=folder, env=environment(place / "user", server.url), check=True, timeout=60)
        with running_worker(server, home=place / "worker", cwd=folder):
            yield api


def test_a_flows_event_runs_another_deployment(api: Api) -> None:
    """The event names the run, the deployment and the task it came from; the other run has its values and is executed."""
    first = api.run(api.call("GET", "/deployments/name/spill/spill")["id"])
    assert api.ended(first)["state_name"] == "Completed"
    query = {"flows": {"name": {"any_": ["wipe"]}}}
    wait_for(lambda: bool(api.call("POST", "/flow_runs/filter", query)), 30, lambda: "the trigger did not fire")
    (second,) = api.call("POST", "/flow_runs/filter", query)
    assert api.ended(second["id"])["state_name"] == "Completed"
    assert "wiped 2 litres" in api.logs(second["id"])
    (event,) = api.call("POST", "/events/filter", {"filter": {"event": {"name": ["milk.spilt"]}}})["events"]
    roles = {one["prefect.resource.role"]: one["prefect.resource.id"] for one in event["related"]}
    assert roles["flow-run"] == f"prefect.flow-run.{first}"
    assert {"task-run", "flow", "deployment"} <= roles.keys()
    assert "a client was loaded: False" in api.logs(first)


def test_a_deployment_that_triggers_itself_is_stopped(api: Api) -> None:
    """Each of its runs emits what starts the next: after some rounds it is not run again, and an event says so."""
    deployment = api.call("GET", "/deployments/name/wipe/wipe")["id"]
    query = {"deployments": {"id": {"any_": [deployment]}}}
    before = api.call("POST", "/flow_runs/count", query)
    api.run(deployment, parameters={"litres": 1, "again": True})
    failed = {"filter": {"event": {"name": ["prefect.automation.action.failed"]}}}
    wait_for(lambda: bool(api.call("POST", "/events/filter", failed)["events"]), 60, lambda: "it goes on and on")
    (told,) = api.call("POST", "/events/filter", failed)["events"]
    assert "has set itself off 10 times within an hour" in told["payload"]["reason"]
    assert api.call("POST", "/flow_runs/count", query) - before == 12
    assert "an automation runs in circles" in api.server.log
