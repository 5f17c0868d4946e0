"""A deployment's concurrency limit under a real Prefect client, served twice, and with two of its workers beside one of ours: who runs, who
waits, who is cancelled, who was killed.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from support.prefect_client import PrefectClient
from support.server import RunningServer, running_server
from support.worker import running_worker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # the first one makes the client's environment

SERVED = """
import os, time
from pathlib import Path
from prefect import flow, serve
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy

@flow
def single(hold: bool):
    Path("where").write_text(f"{os.getsid(0)} {os.getppid()} {os.getpid()}")
    while hold:
        time.sleep(0.1)

def limited(name, strategy):
    limit = ConcurrencyLimitConfig(limit=1, collision_strategy=strategy)
    return single.to_deployment(name, concurrency_limit=limit)

if __name__ == "__main__":
    serve(
        limited("patient", ConcurrencyLimitStrategy.ENQUEUE),
        limited("hasty", ConcurrencyLimitStrategy.CANCEL_NEW),
        pause_on_shutdown=False,
    )
"""


POOLED = """
import fcntl, os, time
from pathlib import Path

try:
    from prefect import flow
except ImportError:  # a worker of ours executes it
    from flowhand import flow

@flow
def alone(hold: bool = False):
    with open("{folder}/alone", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the run fails where another one is under way
        Path("{folder}/pid").write_text(str(os.getpid()))
        while hold:
            time.sleep(0.05)
"""


class House:
    """A client, and the server that it speaks to, with its database."""

    def __init__(self, client: PrefectClient, server: RunningServer) -> None:
        self.client = client
        self.server = server
        self.database = server.home / "server" / "flowhand.db"

    def start(self, name: str, *, hold: bool = True) -> str:
        """A run of a served deployment."""
        deployment = self.client.get(f"/deployments/name/single/{name}")
        return self.client.post(f"/deployments/{deployment['id']}/create_flow_run", parameters={"hold": hold})["id"]

    def query(self, statement: str, *values: Any) -> list[Any]:
        """What the database says."""
        with closing(sqlite3.connect(self.database, timeout=30)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    def leases(self, run: str) -> list[Any]:
        """The leases over slots that a run has."""
        return self.query("SELECT id, slots FROM concurrency_lease WHERE holder_type = 'slot' AND holder_id = ?", run)

    def expire(self, run: str) -> None:
        """Lets the lease over a run's slot run out now."""
        self.query("UPDATE concurrency_lease SET expires_at = 1 WHERE holder_id = ?", run)
        self.client.until(lambda: [slots for _, slots in self.leases(run)] == [0], "the server gives the slot back")

    def at_once(self, run: str) -> None:
        """Lets a run that waits for a slot try now, not half a minute later."""
        self.client.post(f"/flow_runs/{run}/set_state", state={"type": "SCHEDULED", "name": "AwaitingConcurrencySlot"})


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("slots")
    with running_server(folder / "server") as server:
        client = PrefectClient(server.url, folder / "user")
        (client.folder / "served.py").write_text(SERVED)
        yield House(client, server)
        client.close()


def test_a_limit_of_one_served_twice(house: House) -> None:
    """ENQUEUE lets the second wait, CANCEL_NEW ends it; a killed client's slot goes to the one who waits when its lease runs out."""
    client = house.client
    with client.running("python", "served.py"), client.running("python", "served.py"):
        client.until(lambda: client.api.get("/deployments/name/single/hasty").status_code == 200, "the deployments are registered")
        hasty = client.until_state(house.start("hasty"), "Running")
        patient = client.until_state(house.start("patient"), "Running")
        for run in (hasty, patient):
            assert house.leases(run["id"]) == [(run["state"]["state_details"]["deployment_concurrency_lease_id"], 1)]
        waiting, refused = house.start("patient", hold=False), house.start("hasty", hold=False)
        client.until_state(waiting, "AwaitingConcurrencySlot")
        assert client.until_state(refused, "Cancelled")["state"]["message"] == "Deployment concurrency limit reached."

        for pid in (client.folder / "where").read_text().split():  # the serving script first, so that nobody tells of the end
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        house.expire(patient["id"])
        house.at_once(waiting)
        client.until_state(waiting, "Completed")
        assert client.get(f"/flow_runs/{patient['id']}")["state_type"] == "RUNNING"
        assert house.leases(waiting) == []
        assert client.states(waiting)[:3] == ["Scheduled", "AwaitingConcurrencySlot", "AwaitingConcurrencySlot"]


def _pooled(house: House) -> str:
    """The id of a deployment, one run at a time, of a flow that workers of either kind execute."""
    client = house.client
    client.cli("work-pool", "create", "slotted", "--type", "process")
    for queue in ("theirs", "ours"):
        client.cli("work-queue", "create", queue, "--pool", "slotted")
    (client.folder / "pooled.py").write_text(POOLED.replace("{folder}", str(client.folder)))
    flow = client.post("/flows/", name="alone")["id"]
    body = {"name": "d", "flow_id": flow, "entrypoint": "pooled.py:alone", "work_pool_name": "slotted", "path": str(client.folder)}
    return client.api.post("/deployments/", json={**body, "concurrency_limit": 1}).json()["id"]


def _kill_with_worker(pid: int, workers: list[int]) -> None:
    """A process of a run, and all of the one worker that it is of: nobody tells of the end."""
    trees = [[psutil.Process(worker), *psutil.Process(worker).children(recursive=True)] for worker in workers]
    (tree,) = [tree for tree in trees if pid in {process.pid for process in tree}]
    for process in tree:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def test_a_limit_of_one_for_three_workers(house: House, tmp_path: Path) -> None:
    """Two of Prefect's and one of ours never have two runs at once; the slot of a killed one is the next one's, whoever that is."""
    client, deployment = house.client, _pooled(house)

    def start(queue: str, *, hold: bool) -> str:
        body = {"work_queue_name": queue, "parameters": {"hold": hold}}
        return client.post(f"/deployments/{deployment}/create_flow_run", **body)["id"]

    def pid_of(run: str) -> int:
        client.until_state(run, "Running")
        return int(client.until(lambda: where.exists() and where.read_text(), "the run says who it is"))

    where = client.folder / "pid"
    theirs = ("prefect", "worker", "start", "--pool", "slotted", "--type", "process", "--work-queue", "theirs")
    with (
        client.running(*theirs, "--name", "a") as a,
        client.running(*theirs, "--name", "b") as b,
        running_worker(house.server, "--work-queue", "ours", home=tmp_path / "worker", pool="slotted"),
    ):
        killed = start("theirs", hold=True)
        killed_pid = pid_of(killed)
        waiting, ours = start("theirs", hold=False), start("ours", hold=True)
        client.until_state(waiting, "AwaitingConcurrencySlot")
        assert client.get(f"/flow_runs/{ours}")["state_type"] == "SCHEDULED"

        where.unlink()
        _kill_with_worker(killed_pid, [a.pid, b.pid])
        house.expire(killed)
        ours_pid = pid_of(ours)
        house.at_once(waiting)
        client.until(lambda: client.states(waiting).count("AwaitingConcurrencySlot") > 2, "the other worker has tried again")

        os.kill(ours_pid, signal.SIGKILL)
        client.until_state(ours, "Crashed")
        house.at_once(waiting)
        assert client.until_state(waiting, "Completed", "Failed")["state_name"] == "Completed"
        assert house.leases(waiting) == []
