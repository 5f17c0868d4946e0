"""What searches read on every kind of database when a table has very many runs of one sort: no more than when it has a thousand."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Final

import pytest
from sqlalchemy import Connection, Engine, select, text

from flowhand.ids import new_id
from flowhand.wire.filters import FlowRunQuery
from flowhand_server.orchestration.state import Proposal, propose, scheduled
from flowhand_server.store import tables as t
from flowhand_server.store.flow_run_reading import find_flow_runs
from flowhand_server.store.flow_runs import NewRun, create_flow_run, create_flow_runs
from flowhand_server.store.history import next_runs_by_flow
from support.databases import make_flow

NOW: Final = 1_700_000_000_000_000
SOME: Final = 1_000
MANY: Final = 15_000
FEW: Final = 3
AS_MUCH: Final = 3
"""Times what was read among SOME: plans may differ, but not with the table."""
SEEN: Final = text("SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'flow_run'")
COPIED: Final = {
    "id": "substr(id, 1, 24) || (100000000000 + n)",
    **{f"{name}_time": f"{name}_time + n" for name in ("expected_start", "next_scheduled_start", "start", "end")},
}
MOST: Final[dict[str, Proposal]] = {"planned": scheduled(NOW + 10**12), "ended": propose("COMPLETED")}


class House:
    """A database: a flow without runs, one with a few of each state, and a busy one, whose runs, the newest, are planned or have ended."""

    def __init__(self, conn: Connection, most: str) -> None:
        self.conn = conn
        self.idle, self.calm, self.busy = (make_flow(conn) for _ in range(3))
        for state in (propose("COMPLETED"), propose("RUNNING"), scheduled(NOW + 7)):
            create_flow_runs(conn, self.calm, [NewRun(self.calm, state) for _ in range(FEW)], NOW)
        self.copied = create_flow_run(conn, NewRun(self.busy, MOST[most]), NOW).id
        self.copies = 0

    def grow(self, count: int) -> None:
        """Has `count` runs of the sort of which there are most."""
        names = [column.name for column in t.flow_run.c]
        chosen = ", ".join(COPIED.get(name, name) for name in names)
        numbers = "WITH RECURSIVE numbers (n) AS (SELECT CAST(:first AS bigint) UNION ALL SELECT n + 1 FROM numbers WHERE n < :last)"
        copy = f"INSERT INTO flow_run ({', '.join(names)}) {numbers} SELECT {chosen} FROM flow_run, numbers WHERE id = :id"
        self.conn.execute(text(copy), {"first": self.copies + 1, "last": count, "id": self.copied})
        self.copies = count
        if self.conn.dialect.name == "postgresql":
            self.conn.execute(text("ANALYZE flow_run"))

    def effort(self, ask: Callable[[], object]) -> int:
        """What it takes: rows of runs that PostgreSQL looks at, steps that SQLite's machine makes."""
        ask()
        if self.conn.dialect.name == "postgresql":
            before = self.conn.execute(SEEN).scalar_one()
            ask()
            return self.conn.execute(SEEN).scalar_one() - before
        steps: list[None] = []
        driver: Any = self.conn.connection.dbapi_connection
        driver.set_progress_handler(lambda: steps.append(None), 1)
        ask()
        driver.set_progress_handler(None, 1)
        return len(steps)

    def find(self, sort: str, wanted: dict[str, Any]) -> list[str]:
        query = FlowRunQuery.model_validate({**wanted, "sort": sort, "limit": 20})
        return [run["id"] for run in find_flow_runs(self.conn, query, NOW)]


@pytest.fixture(params=MOST)
def house(request: pytest.FixtureRequest, engine: Engine) -> Generator[House]:
    with engine.connect() as conn:
        yield House(conn, request.param)
        conn.rollback()


@pytest.mark.parametrize("sort", ["END_TIME_DESC", "NEXT_SCHEDULED_START_TIME_ASC"])
def test_a_page_by_a_time_that_most_runs_lack_or_have(house: House, sort: str) -> None:
    """Of no run or of few, which do not fill it: those that are of no interest are not read, with such a time or without."""
    running = {"flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}}}
    pages: list[tuple[dict[str, Any], int]] = [
        ({"flows": {"id": {"any_": [house.idle]}}}, 0),
        ({"flows": {"id": {"any_": [house.calm]}}}, 3 * FEW),
        (running, FEW),
        ({}, 20),
    ]
    house.grow(SOME)
    among_some = [house.effort(lambda wanted=wanted: house.find(sort, wanted)) for wanted, _ in pages]
    house.grow(MANY)
    assert [len(house.find(sort, wanted)) for wanted, _ in pages] == [count for _, count in pages]
    among_many = [house.effort(lambda wanted=wanted: house.find(sort, wanted)) for wanted, _ in pages]
    assert [many <= AS_MUCH * some for some, many in zip(among_some, among_many, strict=True)] == [True] * 4, (among_some, among_many)


def test_the_next_runs_of_flows(house: House) -> None:
    """Those that a plain SELECT puts first, the lesser id of two; neither runs of other flows nor others of theirs are read."""
    flows = [house.idle, house.calm, house.busy, new_id()]
    house.grow(SOME)
    among_some = house.effort(lambda: next_runs_by_flow(house.conn, flows))
    house.grow(MANY)
    assert house.effort(lambda: next_runs_by_flow(house.conn, flows)) <= AS_MUCH * among_some
    run = t.flow_run.c
    coming = select(run.id).where(run.state_type == "SCHEDULED").order_by(run.next_scheduled_start_time, run.id)
    expected = {flow: house.conn.execute(coming.where(run.flow_id == flow)).scalars().first() for flow in flows}
    assert {flow: found and found["id"] for flow, found in next_runs_by_flow(house.conn, flows).items()} == expected
