"""How often the transactions that are asked for most speak to their database: statements on SQLite, waits for the network on PostgreSQL."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import Connection, bindparam, insert, select, text
from sqlalchemy.exc import IntegrityError

from flowhand.clock import SystemClock
from flowhand.wire.deployments import DeploymentFlowRunCreate
from flowhand.wire.filters import FlowRunQuery
from flowhand.wire.runner import ClaimRequest, ReportRequest, SessionRequest
from flowhand.wire.work_pools import DueForPool
from flowhand_server.config import ServerConfig
from flowhand_server.orchestration.state import Verdict, propose
from flowhand_server.store import tables as t
from flowhand_server.store.announcing import announce_states
from flowhand_server.store.claim import claim, look
from flowhand_server.store.deployment_runs import create_deployment_run
from flowhand_server.store.errors import StoreUnavailable
from flowhand_server.store.flow_run_reading import find_flow_runs
from flowhand_server.store.flow_runs import propose_state
from flowhand_server.store.prepared import Prepared
from flowhand_server.store.report import report
from flowhand_server.store.scheduled import due_for_pool
from flowhand_server.store.sessions import open_session
from flowhand_server.store.store import Store
from support.databases import make_deployment, make_pool, open_store, prepared_database
from support.round_trips import RoundTrips, counting_proxy

pytestmark = pytest.mark.anyio
CLOCK = SystemClock()

AT_MOST: Final[Mapping[str, tuple[int, int]]] = {
    "create_flow_run": (4, 2),
    "set_state": (4, 2),
    "look": (5, 5),
    "claim": (13, 6),
    "report states": (8, 4),
    "report renewals": (4, 4),
    "get_scheduled_flow_runs": (4, 5),
    "filter newest": (1, 2),
    "filter deployment and state": (1, 2),
    "filter tag": (2, 3),
    "filter tags": (3, 3),
    "announce": (11, 3),
}
"""By call: statements on SQLite (without BEGIN and COMMIT), round trips on PostgreSQL (with them)."""


class House:
    """A store with a pool, a deployment and a worker's session; `counts` has what each call took, by its name."""

    def __init__(self, store: Store, trips: RoundTrips | None) -> None:
        self.store = store
        self.counts: dict[str, list[int]] = {}
        self._trips = trips

    async def furnish(self) -> None:
        self.pool, queue = await self.store.write(make_pool)
        _, self.deployment = await self.store.write(make_deployment, queue)
        request = SessionRequest(kind="worker", name="w", work_pool=f"pool-{self.pool}")
        self.session = await self.store.write(open_session, request, ServerConfig(Path("/nowhere")), CLOCK.now_us())
        self.last = 0

    async def write(self, name: str, transaction: Callable[..., Any], *args: Any) -> Any:
        return await self._counted(name, self.store.write, transaction, args)

    async def read(self, name: str, transaction: Callable[..., Any], *args: Any) -> Any:
        return await self._counted(name, self.store.read, transaction, args)

    async def _counted(self, name: str, run: Callable[..., Awaitable[Any]], transaction: Callable[..., Any], args: Any) -> Any:
        if self._trips is not None:
            before = self._trips.count
            outcome = await run(transaction, *args)
            self.counts.setdefault(name, []).append(self._trips.count - before)
            return outcome
        statements, outcome = await run(_traced, transaction, *args)
        self.counts.setdefault(name, []).append(statements)
        return outcome

    async def story(self) -> None:
        """One run from its making to its end by our worker, another by a foreign client; and what is asked beside."""
        body = DeploymentFlowRunCreate(parameters={"x": 1})
        await self.write("create_flow_run", create_deployment_run, self.deployment, body, CLOCK.now_us())
        request = ClaimRequest(session=self.session.session, slots=1, last_claim=self.last)
        await self.read("look", look, request, self.session.secret, CLOCK.now_us())
        answer = await self.write("claim", claim, request, self.session.secret, CLOCK.now_us())
        self.last = answer.reply.claim
        [taken] = answer.reply.runs
        about = {"run_id": taken.run_id, "attempt": taken.attempt}
        lines = [{**about, "lines": [["channel", 1, CLOCK.now_us(), 20, "log", "hello", None]]}]
        await self._report(
            "report states", states=[{**about, "seq": 1, "type": "RUNNING", "name": "Running", "at_us": CLOCK.now_us()}], logs=lines
        )
        await self._report("report renewals", renew=[[taken.run_id, taken.attempt]])
        await self._report("report states", states=[{**about, "seq": 2, "type": "COMPLETED", "name": "Completed", "at_us": CLOCK.now_us()}])
        form, _ = await self.write("create_flow_run", create_deployment_run, self.deployment, body, CLOCK.now_us())
        due = await self.read("get_scheduled_flow_runs", due_for_pool, f"pool-{self.pool}", DueForPool(), CLOCK.now_us())
        assert [one["flow_run"]["id"] for one in due] == [form["id"]]
        for step in ("PENDING", "RUNNING", "COMPLETED"):
            outcome = await self.write("set_state", propose_state, str(form["id"]), propose(step), CLOCK.now_us())
            assert outcome.status is Verdict.ACCEPT
        for name, wanted in self._filters().items():
            query = FlowRunQuery.model_validate({**wanted, "sort": "EXPECTED_START_TIME_DESC", "limit": 1})
            found = await self.read(name, find_flow_runs, query, CLOCK.now_us())
            assert [run["id"] for run in found] == ([] if name.startswith("filter tag") else [form["id"]])
        await self.write("announce", announce_states, CLOCK.now_us())

    def _filters(self) -> dict[str, dict[str, Any]]:
        ended = {"state": {"type": {"any_": ["COMPLETED", "FAILED"]}}}
        return {
            "filter newest": {},
            "filter deployment and state": {"deployments": {"id": {"any_": [self.deployment]}}, "flow_runs": ended},
            "filter tag": {"flow_runs": {"tags": {"all_": ["blue"]}}},
            "filter tags": {"flow_runs": {"tags": {"all_": ["blue", "red"]}}},
        }

    async def _report(self, name: str, **body: Any) -> None:
        request = ReportRequest.model_validate({"session": self.session.session, **body})
        reply = await self.write(name, report, request, self.session.secret, CLOCK.now_us())
        assert not reply.refused
        assert not reply.lost


def _traced(conn: Connection, transaction: Callable[..., Any], *args: Any) -> tuple[int, Any]:
    statements: list[str] = []
    driver: Any = conn.connection.dbapi_connection
    driver.set_trace_callback(statements.append)
    try:
        outcome = transaction(conn, *args)
    finally:
        driver.set_trace_callback(None)
    return sum(not statement.startswith(("BEGIN", "--")) for statement in statements), outcome


@pytest.fixture(params=["sqlite", "postgresql"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[House]:
    """A house on either database, warmed up: connections are open, statements compiled."""
    if request.param == "sqlite":
        made = House(open_store(tmp_path / "flowhand.db"), None)
        await made.furnish()
        yield made
        await made.store.close()
        return
    url = prepared_database(request.getfixturevalue("postgres_url"))
    # the path of a socket is short (unix(7)), a test's own folder is not
    with tempfile.TemporaryDirectory(prefix="fh") as folder, counting_proxy(url, Path(folder)) as (through, trips):
        made = House(open_store(through), trips)
        await made.furnish()
        yield made
        await made.store.close()


async def test_calls_speak_no_more_than_they_must(house: House) -> None:
    """Each call of the table, the second time that it is made: what it took does not grow unnoticed."""
    await house.story()
    for _ in range(12):  # as many as there may be connections, each of which has to learn the statements
        house.counts.clear()
        await house.story()
    allowed = {name: most[house.store.kind == "postgresql"] for name, most in AT_MOST.items()}
    took = {name: max(counts) for name, counts in house.counts.items()}
    assert took.keys() == allowed.keys()
    assert {name: (took[name], most) for name, most in allowed.items() if took[name] > most} == {}


async def test_a_database_that_hung_up_is_found_again(postgres_url: str) -> None:
    """Its connections are lost while they rest, and nobody who asks afterwards hears of it."""
    url = prepared_database(postgres_url)
    store, other = open_store(url), open_store(url)
    await store.write(make_pool)
    await store.read(_select_one)
    await other.write(_end_others)
    await store.write(make_pool)
    await store.read(_select_one)
    await store.close()
    await other.close()


async def test_a_transaction_whose_connection_is_lost_is_unavailable(postgres_url: str) -> None:
    """It is told so that it may be tried again, and the next one is well."""
    store = open_store(prepared_database(postgres_url))

    def lose(conn: Connection) -> None:
        pool, _ = make_pool(conn)
        assert pool
        conn.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(StoreUnavailable, match="the database"):
        await store.write(lose)
    await store.write(make_pool)
    await store.close()


async def test_statements_that_a_database_has_forgotten_are_prepared_anew(postgres_url: str) -> None:
    """Whoever deallocates them, nobody hears of it: neither who reads nor who writes, whenever the error comes out."""
    store = open_store(prepared_database(postgres_url))

    def write(conn: Connection, key: str) -> None:
        _PUT.run(conn, key=key, value="v")

    for attempt in ("first", "second"):
        await store.write(write, attempt)
        await store.write(_forget)
        assert await store.read(lambda conn: _GET.scalar(conn, named="first")) == "v"
        await store.write(_forget)
    await store.close()


async def test_an_error_that_comes_out_late_names_its_statement(postgres_url: str) -> None:
    """With COMMIT, or with the answer to the next question."""
    store = open_store(prepared_database(postgres_url))

    def write(conn: Connection, asks: bool) -> None:
        _PUT.run(conn, key="a", value="1")
        _PUT.run(conn, key="a", value="2")
        if asks:
            _GET.scalar(conn, named="a")

    for asks in (False, True):
        with pytest.raises(IntegrityError, match="SQL: INSERT INTO meta"):
            await store.write(write, asks)
    await store.close()


_PUT: Final = Prepared(insert(t.meta), "key", "value")
_GET: Final = Prepared(select(t.meta.c.value).where(t.meta.c.key == bindparam("named")))


def _forget(conn: Connection) -> None:
    conn.execute(text("DEALLOCATE ALL"))


def _select_one(conn: Connection) -> None:
    conn.execute(text("SELECT 1"))


def _end_others(conn: Connection) -> None:
    ours = "application_name = 'flowhand' AND datname = current_database() AND pid <> pg_backend_pid()"
    conn.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}"))
