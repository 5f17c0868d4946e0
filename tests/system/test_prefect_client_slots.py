"""A deployment's concurrency limit, served twice by a real Prefect client: who runs, who waits, who is cancelled, who was killed."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from support.prefect_client import PrefectClient
from support.server import running_server

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


class House:
    """A client, and the database of the server that it speaks to."""

    def __init__(self, client: PrefectClient, database: Path) -> None:
        self.client = client
        self.database = database

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

    def at_once(self, run: str) -> None:
        """Lets a run that waits for a slot try now, not half a minute later."""
        self.client.post(f"/flow_runs/{run}/set_state", state={"type": "SCHEDULED", "name": "AwaitingConcurrencySlot"})


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("slots")
    with running_server(folder / "server") as server:
        client = PrefectClient(server.url, folder / "user")
        (client.folder / "served.py").write_text(SERVED)
        yield House(client, server.home / "server" / "flowhand.db")
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
        house.query("UPDATE concurrency_lease SET expires_at = 1 WHERE holder_id = ?", patient["id"])
        client.until(lambda: [slots for _, slots in house.leases(patient["id"])] == [0], "the server gives the slot back")
        house.at_once(waiting)
        client.until_state(waiting, "Completed")
        assert client.get(f"/flow_runs/{patient['id']}")["state_type"] == "RUNNING"
        assert house.leases(waiting) == []
        assert client.states(waiting)[:3] == ["Scheduled", "AwaitingConcurrencySlot", "AwaitingConcurrencySlot"]
