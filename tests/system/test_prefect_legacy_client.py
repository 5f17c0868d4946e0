"""A client of 2.20 against our server: flows with tasks, its commands, a served deployment, a worker of a pool.

Run when FLOWHAND_TEST_PREFECT_2 names a virtual environment with prefect 2.20.26 in it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from support.rest import Rest
from support.server import running_server

WHERE: Final = os.environ.get("FLOWHAND_TEST_PREFECT_2")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not WHERE, reason="FLOWHAND_TEST_PREFECT_2 names no environment with prefect 2.20"),
]

FLOWS: Final = """
import sys
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
"""

DEPLOY: Final = """
from pathlib import Path
from prefect import flow

stored = flow.from_source(str(Path.cwd()), entrypoint="flows.py:legacy")
stored.deploy("pooled", work_pool_name="legacy-pool", build=False, push=False, job_variables={"env": {"FROM_THE_POOL": "yes"}})
"""


@dataclass
class Legacy:
    """A user of 2.20 and a server of ours."""

    rest: Rest
    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLOWHAND_", "PREFECT_"))}
        own = {"PREFECT_API_URL": self.rest.url, "PREFECT_HOME": str(self.folder / "home"), "PREFECT_RUNNER_POLL_FREQUENCY": "2"}
        return {**kept, **own, "COLUMNS": "240", "NO_COLOR": "1"}

    def command(self, *words: str) -> list[str]:
        """One of its programs."""
        return [str(Path(WHERE or "", "bin", words[0])), *words[1:]]

    def run(self, *words: str) -> str:
        """What one of its programs prints."""
        done = subprocess.run(self.command(*words), env=self.environ, cwd=self.folder, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Legacy]:
    folder = tmp_path_factory.mktemp("legacy")
    with running_server(folder / "server") as server:
        (folder / "flows.py").write_text(FLOWS)
        yield Legacy(Rest(server.url), folder)


def test_a_flow_with_tasks(legacy: Legacy) -> None:
    """Retries, mapped tasks, a subflow and a block; its task runs come over REST."""
    assert "result 12" in legacy.run("python", "flows.py")
    (run,) = legacy.rest.made("/flow_runs/filter", flows={"name": {"any_": ["legacy"]}})
    assert run["state_type"] == "COMPLETED"
    tasks = legacy.rest.made("/task_runs/filter", flow_runs={"id": {"any_": [run["id"]]}})
    assert {task["state_type"] for task in tasks} == {"COMPLETED"}
    assert len(tasks) == 5
    assert "legacy" in legacy.run("prefect", "flow-run", "ls")


def test_a_served_deployment(legacy: Legacy) -> None:
    """Registered with its schedule, run on demand, read by the commands."""
    with (legacy.folder / "served.log").open("wb") as log:
        command = legacy.command("python", "flows.py", "serve")
        serving = subprocess.Popen(command, env=legacy.environ, cwd=legacy.folder, stdout=log, stderr=log)
    try:
        legacy.rest.until(lambda: legacy.rest.made("/deployments/filter"), "the deployment is registered", 60)
        assert "legacy/d" in legacy.run("prefect", "deployment", "ls")
        assert "interval" in legacy.run("prefect", "deployment", "schedule", "ls", "legacy/d")
        legacy.run("prefect", "deployment", "run", "legacy/d", "-p", "n=7")
        wanted = {"deployment_id": {"is_null_": False}, "state": {"type": {"any_": ["COMPLETED"]}}}
        legacy.rest.until(lambda: legacy.rest.made("/flow_runs/filter", flow_runs=wanted), "the run completes", 150)
    finally:
        serving.terminate()
        serving.wait(30)


def test_a_pool_and_its_worker(legacy: Legacy) -> None:
    """`work-pool create`, `deploy()` and `worker start --type process`: the worker is listed, takes the run and brings it to Completed."""
    (legacy.folder / "deploy.py").write_text(DEPLOY)
    legacy.run("prefect", "work-pool", "create", "legacy-pool", "--type", "process")
    legacy.run("python", "deploy.py")
    assert "legacy-pool" in legacy.run("prefect", "work-pool", "ls")
    with (legacy.folder / "worker.log").open("wb") as log:
        command = legacy.command("prefect", "worker", "start", "--pool", "legacy-pool", "--type", "process", "--name", "old")
        working = subprocess.Popen(command, env=legacy.environ, cwd=legacy.folder, stdout=log, stderr=log)
    try:
        deployment = legacy.rest.read("/deployments/name/legacy/pooled")
        run = legacy.rest.made(f"/deployments/{deployment['id']}/create_flow_run", parameters={"n": 4})

        def ended() -> str | None:
            kind = legacy.rest.read(f"/flow_runs/{run['id']}")["state_type"]
            return kind if kind in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"} else None

        assert legacy.rest.until(ended, "the run ends", 200) == "COMPLETED", (legacy.folder / "worker.log").read_text()
        found = legacy.rest.read(f"/flow_runs/{run['id']}")
        assert (found["work_pool_name"], found["parameters"]) == ("legacy-pool", {"n": 4})
        assert deployment["job_variables"] == {"env": {"FROM_THE_POOL": "yes"}}
        assert ":" in found["infrastructure_pid"]
        assert [worker["name"] for worker in legacy.rest.made("/work_pools/legacy-pool/workers/filter")] == ["old"]
        assert legacy.rest.read("/work_pools/legacy-pool")["status"] == "READY"
        states = legacy.rest.read("/flow_run_states/", flow_run_id=run["id"])
        assert [state["type"] for state in states if state["name"] != "Late"] == ["SCHEDULED", "PENDING", "RUNNING", "COMPLETED"]
    finally:
        working.terminate()
        working.wait(60)
