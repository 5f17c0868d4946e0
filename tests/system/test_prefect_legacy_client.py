"""A client of 2.20 against our server: flows with tasks, its commands, a served deployment, a worker of a pool."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from support.prefect_client import OLDER, PrefectClient
from support.server import running_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # the first one makes the client's environment

FLOWS: Final = """
import sys
from pathlib import Path

from prefect import flow, serve, task
from prefect.blocks.system import Secret

tries = []

@task(retries=2, retry_delay_seconds=0)
def flaky():
    tries.append(1)
    if len(tries) < 3:
        raise ValueError("not yet")
    return 42

@task(tags=["counted"])
def double(x):
    return 2 * x

@flow
def child(n):
    return double(n)

@flow(log_prints=True)
def legacy(n: int = 2):
    assert flaky() == 42
    mapped = double.map([1, 2, 3])
    Secret(value="x").save("legacy", overwrite=True)
    print("child says", child(n), "secret", Secret.load("legacy").get())
    return sum(future.result() for future in mapped)

if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve(legacy.to_deployment("d", interval=3600))
    else:
        print("result", legacy(5))
        stored = flow.from_source(str(Path.cwd()), entrypoint="flows.py:legacy")
        variables = {"env": {"FROM_THE_POOL": "yes"}}
        stored.deploy("pooled", work_pool_name="legacy-pool", build=False, push=False, job_variables=variables)
"""


@pytest.fixture(scope="module")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectClient]:
    """A user of 2.20 who serves a deployment and runs a worker, both from the start: each of its programs takes seconds to be loaded."""
    folder = tmp_path_factory.mktemp("legacy")
    with running_server(folder / "server") as server:
        client = PrefectClient(server.url, folder / "user", version=OLDER)
        (client.folder / "flows.py").write_text(FLOWS)
        worker = ("prefect", "worker", "start", "--pool", "legacy-pool", "--type", "process", "--name", "old")
        try:
            with client.running("python", "flows.py", "serve"):
                client.cli("work-pool", "create", "legacy-pool", "--type", "process")
                with client.running(*worker):
                    yield client
        finally:
            client.close()


@pytest.fixture(scope="module")
def printed(legacy: PrefectClient) -> str:
    """What the script printed that calls the flow and deploys it to the pool."""
    return legacy.run((legacy.folder / "flows.py").read_text())


def _completed(client: PrefectClient, deployment: str, **parameters: Any) -> dict[str, Any]:
    run = client.post(f"/deployments/{deployment}/create_flow_run", parameters=parameters)
    return client.until_state(run["id"], "Completed", "Failed", "Crashed", seconds=150)


def test_a_flow_with_tasks(legacy: PrefectClient, printed: str) -> None:
    """Retries, mapped tasks, a subflow and a block; its task runs come over REST."""
    assert "result 12" in printed
    (run,) = [run for run in legacy.flow_runs("legacy") if run["deployment_id"] is None]
    assert run["state_type"] == "COMPLETED"
    tasks = legacy.task_runs(run["id"])
    assert {task["state_type"] for task in tasks} == {"COMPLETED"}
    assert len(tasks) == 5
    assert run["name"] in legacy.cli("flow-run", "ls")


def test_a_served_deployment(legacy: PrefectClient) -> None:
    """Registered with its schedule, run on demand, read by the commands."""
    legacy.until(lambda: legacy.api.get("/deployments/name/legacy/d").status_code == 200, "the deployment is registered")
    assert "legacy/d" in legacy.cli("deployment", "ls")
    assert "interval" in legacy.cli("deployment", "schedule", "ls", "legacy/d")
    legacy.cli("deployment", "run", "legacy/d", "-p", "n=7")
    wanted = {"parameters": {"n": 7}, "state_type": "COMPLETED"}
    legacy.until(lambda: any(run.items() >= wanted.items() for run in legacy.flow_runs("legacy")), "the run completes", 150)


def test_a_pool_and_its_worker(legacy: PrefectClient, printed: str) -> None:
    """`work-pool create`, `deploy()` and `worker start --type process`: the worker is listed, takes the run and brings it to Completed."""
    assert "legacy-pool" in legacy.cli("work-pool", "ls")
    deployment = legacy.get("/deployments/name/legacy/pooled")
    assert deployment["job_variables"] == {"env": {"FROM_THE_POOL": "yes"}}
    run = _completed(legacy, deployment["id"], n=4)
    assert (run["state_name"], run["work_pool_name"], run["parameters"]) == ("Completed", "legacy-pool", {"n": 4}), legacy.printed()
    assert ":" in run["infrastructure_pid"]
    assert [worker["name"] for worker in legacy.post("/work_pools/legacy-pool/workers/filter")] == ["old"]
    assert legacy.get("/work_pools/legacy-pool")["status"] == "READY"
    assert [name for name in legacy.states(run["id"]) if name != "Late"] == ["Scheduled", "Pending", "Running", "Completed"]
