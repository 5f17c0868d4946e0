"""Several servers on one PostgreSQL: they share the work, hear of each other, and may be killed at any time."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from support.databases import new_database
from support.runner_api import Api, Session
from support.server import start_server

REPLICAS = 3
KILLS = 4
BATCH = 24
KEY = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ="
AWAY = (httpx.TransportError, httpx.RemoteProtocolError)


@dataclass
class Fleet:
    """The replicas, some of which may just be dead."""

    home: Path
    url: str
    apis: list[Api] = field(default_factory=list)

    def start(self, number: int) -> Api:
        """Starts the replica of this number; a client of it."""
        environ = {"FLOWHAND_SERVER_DATABASE_URL": self.url, "FLOWHAND_SERVER_SECRETS_KEY": KEY}
        return Api(start_server(self.home / f"replica-{number}", environ=environ))

    def anywhere(self, call: Callable[[Api], Any], until: float, seed: int) -> Any:
        """What the call answers, at whichever replica it is heard; asked again elsewhere when one goes away."""
        chance = random.Random(seed)
        while time.monotonic() < until:
            with suppress(*AWAY):
                return call(self.apis[chance.randrange(REPLICAS)])
        raise AssertionError("no replica answered in time")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the database holds."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def fleet(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    made = Fleet(tmp_path_factory.mktemp("fleet"), new_database(postgres_url))
    try:
        with ThreadPoolExecutor() as threads:
            made.apis = list(threads.map(made.start, range(REPLICAS)))
        yield made
    finally:
        for api in made.apis:
            api.server.kill()


def test_a_claim_at_one_replica_is_woken_by_another(fleet: Fleet) -> None:
    """Long before it would look again by itself; and so is who watches a run."""
    here, there = fleet.apis[0], fleet.apis[1]
    pool = here.pool()
    deployment = there.deployment(pool)
    worker = here.session(pool)
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(worker.claim, 1, 20.0)
        time.sleep(0.5)  # so that it waits; one that came too late would be answered at once, and pass as well
        began = time.monotonic()
        run = there.run(deployment)
        claimed = waiting.result(15)["runs"]
    assert [one["run_id"] for one in claimed] == [run]
    assert time.monotonic() - began < 5


def test_replicas_share_the_secrets_of_blocks_and_refuse_another_key(fleet: Fleet) -> None:
    """What one encrypts the others read; a server with another key does not start."""
    kind = fleet.apis[0].call("GET", "/block_types/slug/secret")
    fields = {"title": "S", "type": "object", "properties": {"value": {"type": "string"}}, "secret_fields": ["value"]}
    schema = fleet.apis[0].call("POST", "/block_schemas/", {"block_type_id": kind["id"], "fields": fields, "capabilities": []})
    body = {"name": "s", "data": {"value": "hunter2"}, "block_schema_id": schema["id"], "block_type_id": kind["id"]}
    document = fleet.apis[0].call("POST", "/block_documents/", body)
    read = fleet.apis[1].call("GET", f"/block_documents/{document['id']}?include_secrets=true")
    assert read["data"] == {"value": "hunter2"}
    with pytest.raises(AssertionError, match="the key of another server"):
        start_server(fleet.home / "stranger", environ={"FLOWHAND_SERVER_DATABASE_URL": fleet.url})


def test_services_of_all_replicas_do_their_work_once(fleet: Fleet) -> None:
    """A schedule is planned once, and a run that nobody takes is marked late once, with one event."""
    deployment = fleet.apis[0].deployment(schedules=[{"schedule": {"interval": 3600}, "active": True}])
    late = fleet.apis[1].run(deployment, in_s=-60)

    def settled() -> bool:
        return fleet.apis[2].read(late)["state_name"] == "Late"

    deadline = time.monotonic() + 30
    while not settled():
        assert time.monotonic() < deadline, "nobody marked the run"
        time.sleep(0.2)  # the API has no bell for it; the deadline is what counts
    planned = fleet.rows("SELECT next_scheduled_start_time, count(*) FROM flow_run WHERE auto_scheduled GROUP BY 1")
    assert len(planned) >= 3
    assert {count for _, count in planned} == {1}
    assert fleet.rows(f"SELECT count(*) FROM flow_run_state WHERE name = 'Late' AND flow_run_id = '{late}'") == [(1,)]


@dataclass
class Worker:
    """Claims and ends runs at whichever replica answers, until it is told to stop."""

    fleet: Fleet
    session: Session
    seed: int
    until: float
    done: Counter[str] = field(default_factory=Counter[str])

    def work(self, wanted: int, total: list[int]) -> None:
        while sum(total) < wanted and time.monotonic() < self.until:
            for run in self._anywhere(lambda: self.session.claim(5))["runs"]:
                self._carry_out(run)
                total.append(1)
                self.done[run["run_id"]] += 1

    def _carry_out(self, run: dict[str, Any]) -> None:
        for seq, state in enumerate(("RUNNING", "COMPLETED"), 1):
            self._anywhere(lambda state=state, seq=seq: self.session.state(run, state, seq))

    def _anywhere(self, call: Callable[[], Any]) -> Any:
        def at(api: Api) -> Any:
            self.session.api = api
            return call()

        self.seed += 1
        return self.fleet.anywhere(at, self.until, self.seed)


@pytest.mark.timeout(240)
def test_replicas_that_are_killed_lose_and_double_nothing(fleet: Fleet) -> None:
    """Clients make runs, workers carry them out, replicas are killed at random: each run is claimed once and ends once."""
    pool = fleet.apis[0].pool()
    deployment = fleet.apis[0].deployment(pool)
    until, wanted, total = time.monotonic() + 150, KILLS * BATCH, list[int]()
    workers = [Worker(fleet, fleet.apis[n].session(pool, name=f"w-{n}"), 1000 * n, until) for n in range(3)]

    def create(key: int) -> str:
        return fleet.anywhere(lambda api: api.run(deployment, idempotency_key=f"k-{key}"), until, key)

    chance, made = random.Random(7), list[str]()
    with ThreadPoolExecutor() as threads:
        working = [threads.submit(worker.work, wanted, total) for worker in workers]
        for batch in range(KILLS):
            creating = [threads.submit(create, batch * BATCH + n) for n in range(BATCH)]
            victim = chance.randrange(REPLICAS)
            fleet.apis[victim].server.kill()
            fleet.apis[victim] = fleet.start(victim)
            made += [one.result() for one in creating]
        for one in working:
            one.result()
    ours = f"deployment_id = '{deployment}'"
    assert len(set(made)) == wanted
    assert sum((worker.done for worker in workers), Counter[str]()) == Counter(made)
    assert fleet.rows(f"SELECT state_type, attempt, count(*) FROM flow_run WHERE {ours} GROUP BY 1, 2") == [("COMPLETED", 1, wanted)]
    ends = "SELECT max(n) FROM (SELECT count(*) AS n FROM flow_run_state WHERE type = 'COMPLETED' GROUP BY flow_run_id) ends"
    assert fleet.rows(ends) == [(1,)]
