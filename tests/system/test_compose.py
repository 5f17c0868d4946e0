"""compose.yaml and the Dockerfile, brought up as docs/operations.md says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from support.cli import environment
from support.compose_house import House, compose_house
from support.git_daemon import git_daemon
from support.git_repository import Repository
from support.rest import Rest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # the first one fetches compose and makes the images

FLOWS: Final = """
import socket, time
from flowhand import flow
from flowhand.runtime import flow_run

@flow(log_prints=True)
def boxed(first: float = 0):
    print("executed in", socket.gethostname(), flush=True)
    time.sleep(first if flow_run.run_count == 1 else 0)
"""
DEPLOY: Final = """
import sys
from flowhand import flow

flow.from_source(sys.argv[1], "flows.py:boxed").deploy("d", work_pool_name="default", job_variables={"crash_policy": "retry"})
"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with compose_house(tmp_path) as house:
        yield house


class User:
    """Who has a key of the server's, on the machine that the services are on."""

    def __init__(self, house: House, key: str) -> None:
        self.rest = Rest(house.url, headers={"Authorization": f"Bearer {key}"})
        self._environ = environment(house.folder / "home", house.url, FLOWHAND_API_KEY=key)

    def deploy(self, repository: str) -> None:
        """The flow of a repository, for the workers."""
        command = [sys.executable, "-c", DEPLOY, repository]
        done = subprocess.run(command, env=self._environ, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self, first_s: float = 0) -> str:
        """A run, whose first attempt takes so long; its id."""
        deployment = self.rest.read("/deployments/name/boxed/d")["id"]
        return self.rest.made(f"/deployments/{deployment}/create_flow_run", parameters={"first": first_s})["id"]

    def executed_in(self, run: str) -> list[str]:
        """The containers that its logs say it was executed in, once there is one."""

        def found() -> list[str]:
            lines = self.rest.made("/logs/filter", logs={"flow_run_id": {"any_": [run]}}, sort="TIMESTAMP_ASC")
            return [line["message"].split()[-1] for line in lines if line["message"].startswith("executed in")]

        return self.rest.until(found, "the run says where it is executed", 60)

    def completed(self, run: str) -> int:
        """How often it was begun, once it is complete."""

        def ended() -> int:
            found = self.rest.read(f"/flow_runs/{run}")
            assert found["state_type"] not in {"FAILED", "CRASHED", "CANCELLED"}, found["state"]
            return found["run_count"] if found["state_type"] == "COMPLETED" else 0

        return self.rest.until(ended, "the run is completed", 120)


def test_from_up_to_down(house: House) -> None:
    """A key made inside deploys from outside; no run is lost to a worker that was killed or a server that is restarted; nothing is left."""
    house.compose("up", "--detach", "--wait", "--build")
    user = User(house, house.compose("exec", "-T", "server", "flowhand", "server", "key", "create", "team", *_SCOPES).split()[0])
    code = Repository(house.folder)
    code.commit({"flows.py": FLOWS})
    with git_daemon(house.folder, house.gateway()) as address:
        user.deploy(f"{address}{code.bare.name}")
        run = user.start()
        assert user.completed(run) == 1
        assert user.executed_in(run) == [house.compose("ps", "--quiet", "worker")[:12]]

        house.compose("up", "--detach", "--scale", "worker=3")
        user.rest.until(lambda: len(_online(user)) == 3, "three workers claim", 60)
        doomed, others = user.start(first_s=300), [user.start() for _ in range(6)]
        (where,) = user.executed_in(doomed)
        house.docker("kill", where)
        assert user.completed(doomed) == 2
        assert [user.completed(run) for run in others] == [1] * 6

        long = user.start(first_s=3)
        user.executed_in(long)
        house.compose("restart", "server")
        user.rest.until(lambda: house.healthy("server"), "the server answers again", 60)
        assert user.completed(long) == 1
    house.compose("down", "--volumes")
    assert house.left() == []


_SCOPES: Final = ("--scope", "run", "--scope", "deploy")


def _online(user: User) -> list[str]:
    workers = user.rest.made("/work_pools/default/workers/filter")
    return [worker["name"] for worker in workers if worker["status"] == "ONLINE"]
