"""`serve()` of a real Prefect client against our server: schedules, runs, run_deployment, crash, cancel, shutdown."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator

import pytest

from support.prefect_client import PrefectClient

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # the first one makes the client's environment

SERVED = """
import os, time
from prefect import flow, serve, task
from prefect.deployments import run_deployment

@flow
def fast(a: int = 1):
    return a

@flow
def slow(seconds: float = 60):
    time.sleep(seconds)

@flow
def crashing():
    os._exit(7)

@flow
def outer():
    run = run_deployment("fast/fast", parameters={"a": 7}, poll_interval=0.5, timeout=60)
    print("inner run is", run.state.name)

if __name__ == "__main__":
    serve(
        fast.to_deployment("fast", interval=3600, tags=["t1"], description="served"),
        slow.to_deployment("slow"),
        crashing.to_deployment("crashing"),
        outer.to_deployment("outer"),
    )
"""


@pytest.fixture(scope="module")
def serving(client: PrefectClient) -> Iterator[subprocess.Popen[bytes]]:
    """A script that serves, once all of its deployments are known."""
    (client.folder / "served.py").write_text(SERVED)
    with client.running("python", "served.py") as process:
        client.until(lambda: client.api.get("/deployments/name/outer/outer").status_code == 200, "the deployments are registered")
        yield process


def _start(client: PrefectClient, name: str, **parameters: object) -> str:
    """A run of a served deployment."""
    deployment = client.get(f"/deployments/name/{name}/{name}")
    return client.post(f"/deployments/{deployment['id']}/create_flow_run", parameters=parameters)["id"]


def test_served_deployments_are_registered(client: PrefectClient, serving: subprocess.Popen[bytes]) -> None:
    """What the script says of a deployment is what the API holds, and its schedule has runs planned."""
    fast = client.get("/deployments/name/fast/fast")
    assert fast["entrypoint"] == "served.py:fast"
    assert fast["parameter_openapi_schema"]["properties"]["a"]["default"] == 1
    assert fast["schedules"][0]["schedule"]["interval"] == 3600
    query = {"deployments": {"id": {"any_": [fast["id"]]}}, "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
    planned = client.until(lambda: client.post("/flow_runs/filter", **query), "runs are planned")
    assert len(planned) >= 3
    assert all(run["auto_scheduled"] and set(run["tags"]) == {"auto-scheduled", "t1"} for run in planned)


def test_a_run_is_executed(client: PrefectClient, serving: subprocess.Popen[bytes]) -> None:
    """A run made of a served deployment is claimed, executed with its parameters, and completes."""
    run = client.until_state(_start(client, "fast", a=5), "Completed")
    assert run["parameters"] == {"a": 5}
    assert client.states(run["id"]) == ["Scheduled", "Pending", "Submitting", "Running", "Completed"]
    assert client.get(f"/deployments/{run['deployment_id']}")["status"] == "READY"


def test_run_deployment_inside_a_flow(client: PrefectClient, serving: subprocess.Popen[bytes]) -> None:
    """A flow that runs a deployment waits for it; the run is linked by a task run of the parent."""
    parent = client.until_state(_start(client, "outer"), "Completed")
    inner = next(run for run in client.flow_runs("fast") if run["parent_task_run_id"])
    assert inner["state_name"] == "Completed"
    assert client.get(f"/task_runs/{inner['parent_task_run_id']}")["flow_run_id"] == parent["id"]
    client.until(lambda: "inner run is Completed" in client.printed(), "the parent has printed what became of it")


def test_a_crash_is_told(client: PrefectClient, serving: subprocess.Popen[bytes]) -> None:
    """A flow whose process leaves without a word has crashed, and the exit code is said."""
    run = client.until_state(_start(client, "crashing"), "Crashed")
    assert "7" in run["state"]["message"]


def test_a_running_flow_is_cancelled(client: PrefectClient, serving: subprocess.Popen[bytes]) -> None:
    """`flow-run cancel` reaches the process by the event stream; the run ends Cancelled."""
    run_id = _start(client, "slow")
    client.until_state(run_id, "Running")
    assert "cancel" in client.cli("flow-run", "cancel", run_id).lower()
    client.until_state(run_id, "Cancelled")
    assert client.states(run_id)[-2:] == ["Cancelling", "Cancelled"]


def test_a_scheduled_run_is_cancelled_at_once(client: PrefectClient) -> None:
    """Where nothing runs yet nothing has to be stopped: Cancelled in one step."""
    deployment = client.get("/deployments/name/slow/slow")
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2099-01-01T00:00:00Z"}}
    run = client.post(f"/deployments/{deployment['id']}/create_flow_run", state=state)
    client.cli("flow-run", "cancel", run["id"])
    assert client.states(run["id"]) == ["Scheduled", "Cancelled"]


def test_shutdown_pauses_what_was_served(client: PrefectClient, serving: subprocess.Popen[bytes]) -> None:
    """When the script is ended it pauses its deployments, and what was planned is taken back."""
    serving.send_signal(signal.SIGTERM)
    serving.wait(30)
    fast = client.get("/deployments/name/fast/fast")
    assert fast["paused"] is True
    query = {"deployments": {"id": {"any_": [fast["id"]]}}, "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
    assert client.post("/flow_runs/filter", **query) == []


def test_a_flow_and_a_shell_command_are_served_from_the_command_line(client: PrefectClient) -> None:
    """`flow serve` and `shell serve`: deployments with what was said of them, whose runs they execute and log."""
    (client.folder / "alone.py").write_text("from prefect import flow\n\n@flow\ndef alone(a: int = 1):\n    return a\n")
    of_flow = ("flow", "serve", "alone.py:alone", "--name", "said", "--tag", "t2", "--cron", "0 4 * * *", "--timezone", "Europe/Berlin")
    of_shell = ("shell", "serve", "echo from $((40 + 2))", "--flow-name", "greets", "--deployment-name", "shelled")
    with client.running("prefect", *of_flow), client.running("prefect", *of_shell):
        names = ["/deployments/name/alone/said", "/deployments/name/greets/shelled"]
        client.until(lambda: all(client.api.get(name).status_code == 200 for name in names), "both are registered")
        flow, shell = (client.get(name) for name in names)
        assert (flow["tags"], flow["schedules"][0]["schedule"]["cron"]) == (["t2"], "0 4 * * *")
        runs = [client.post(f"/deployments/{deployment['id']}/create_flow_run")["id"] for deployment in (flow, shell)]
        for run in runs:
            client.until_state(run, "Completed")
        query = {"logs": {"flow_run_id": {"any_": runs[1:]}}}
        said = client.until(lambda: client.post("/logs/filter", **query), "the command's lines have come")
        assert any("from 42" in line["message"] for line in said)
