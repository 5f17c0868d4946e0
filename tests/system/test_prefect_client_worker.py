"""`prefect deploy` and `prefect worker start` of a real Prefect client against our server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.prefect_client import PrefectClient

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # the first one makes the client's environment

FLOWS = """
import os, sys, time
from prefect import flow, pause_flow_run, suspend_flow_run
from prefect.input import RunInput

class Answer(RunInput):
    number: int

@flow(log_prints=True)
def hello(name: str = "world"):
    print("hello", name, os.environ.get("GREETING"))

@flow
def asking():
    answer = pause_flow_run(wait_for_input=Answer, timeout=120, poll_interval=1)
    print("answer", answer.number)
    return answer.number

@flow
def sleeping():
    suspend_flow_run(timeout=120, key="nap")

@flow
def crashing():
    os._exit(9)
"""
DEPLOYMENTS = """
deployments:
{entries}
pull:
  - prefect.deployments.steps.set_working_directory:
      directory: {folder}
"""
ENTRY = """  - name: {name}
    entrypoint: flows.py:{name}
    work_pool: {{name: machines, work_queue_name: {queue}, job_variables: {{env: {{GREETING: hi}}}}}}
"""


@pytest.fixture(scope="module")
def worker(client: PrefectClient) -> Iterator[None]:
    """Deployments made by `prefect deploy`, and a worker for their pool."""
    client.cli("work-pool", "create", "machines", "--type", "process")
    (client.folder / "flows.py").write_text(FLOWS)
    queues = {"hello": "default", "asking": "default", "sleeping": "default", "crashing": "other"}
    entries = "".join(ENTRY.format(name=name, queue=queue) for name, queue in queues.items())
    (client.folder / "prefect.yaml").write_text(DEPLOYMENTS.format(entries=entries, folder=client.folder))
    assert "successfully created" in client.cli("--no-prompt", "deploy", "--all")
    with client.running("prefect", "worker", "start", "--pool", "machines", "--name", "w1", "--type", "process"):
        client.until(lambda: client.post("/work_pools/machines/workers/filter"), "the worker is known")
        yield


def _start(client: PrefectClient, deployment_name: str, **parameters: object) -> str:
    deployment = client.get(f"/deployments/name/{deployment_name}/{deployment_name}")
    return client.post(f"/deployments/{deployment['id']}/create_flow_run", parameters=parameters)["id"]


@pytest.mark.usefixtures("worker")
def test_a_worker_is_online_and_its_pool_ready(client: PrefectClient) -> None:
    """The worker's heartbeat makes it online and its pool ready; the deployment's queue was made with the next priority."""
    assert [(worker["name"], worker["status"]) for worker in client.post("/work_pools/machines/workers/filter")] == [("w1", "ONLINE")]
    assert client.get("/work_pools/machines")["status"] == "READY"
    assert client.get("/work_pools/machines/queues/other")["priority"] == 2


@pytest.mark.usefixtures("worker")
def test_a_run_is_executed_with_its_job_variables(client: PrefectClient) -> None:
    """A run goes through pull step and subprocess; environment, labels and the process id are as deployed."""
    run = client.until_state(_start(client, "hello", name="you"), "Completed")
    assert client.states(run["id"]) == ["Scheduled", "Pending", "Submitting", "Running", "Completed"]
    assert run["labels"]["prefect.worker.name"] == "w1"
    assert run["infrastructure_pid"]
    query = {"flow_run_id": {"any_": [run["id"]]}, "text": {"query": "hello"}}
    lines = client.until(lambda: client.post("/logs/filter", logs=query), "the log line is stored")
    assert "hello you hi" in [line["message"] for line in lines]


@pytest.mark.usefixtures("worker")
def test_a_crash_has_its_exit_code(client: PrefectClient) -> None:
    """A process that ends with a code of its own makes the run Crashed, and says the code."""
    run = client.until_state(_start(client, "crashing"), "Crashed")
    assert "9" in run["state"]["message"]


@pytest.mark.usefixtures("worker")
def test_pause_waits_for_input(client: PrefectClient) -> None:
    """A paused flow gets what it asked for: wrong input is refused, right input resumes it in its process."""
    run_id = _start(client, "asking")
    client.until_state(run_id, "Paused")
    schema = f"/flow_runs/{run_id}/input/paused-1-schema"
    client.until(lambda: client.api.get(schema).status_code == 200, "the flow has said what it asks for")
    refused = client.post(f"/flow_runs/{run_id}/resume", run_input={"number": "none"})
    assert refused["status"] == "REJECT"
    assert "Validation failed" in refused["details"]["reason"]
    accepted = client.api.post(f"/flow_runs/{run_id}/resume", json={"run_input": {"number": 5}})
    assert (accepted.status_code, accepted.json()["status"]) == (201, "ACCEPT")
    client.until_state(run_id, "Completed")
    client.until(lambda: "answer 5" in client.printed(), "the flow has printed its answer")
    assert client.states(run_id)[-4:] == ["Running", "Paused", "Running", "Completed"]


@pytest.mark.usefixtures("worker")
def test_suspend_leaves_the_process_and_comes_back(client: PrefectClient) -> None:
    """A suspended run's process ends; resumed, it is scheduled, claimed again and goes on behind the pause."""
    run_id = _start(client, "sleeping")
    client.until_state(run_id, "Suspended")
    client.post(f"/flow_runs/{run_id}/resume")
    run = client.until_state(run_id, "Completed")
    assert client.states(run_id).count("Resuming") == 1
    assert run["run_count"] == 1


@pytest.mark.usefixtures("worker")
def test_cancel_ends_a_worker_run(client: PrefectClient) -> None:
    """A paused run of a worker is cancelled: it ends Cancelled, not Crashed."""
    run_id = _start(client, "asking")
    client.until_state(run_id, "Paused")
    client.cli("flow-run", "cancel", run_id)
    client.until_state(run_id, "Cancelled")


@pytest.mark.usefixtures("worker")
def test_a_paused_pool_gives_nothing(client: PrefectClient) -> None:
    """While the pool is paused a run waits; when it is resumed the worker takes it."""
    client.cli("work-pool", "pause", "machines")
    run_id = _start(client, "hello")
    assert client.post("/work_pools/machines/get_scheduled_flow_runs") == []
    assert client.get(f"/flow_runs/{run_id}")["state_type"] == "SCHEDULED"
    client.cli("work-pool", "resume", "machines")
    client.until_state(run_id, "Completed")
