"""What a search for a piece of a name looks at: no more rows where there are more runs."""

from __future__ import annotations

from typing import Any, Final

import pytest
from sqlalchemy import Connection, text

from flowhand.wire.filters import FlowRunQuery
from flowhand_server.orchestration.state import propose
from flowhand_server.services.namer import put
from flowhand_server.store.flow_run_reading import count_flow_runs, find_flow_runs
from flowhand_server.store.flow_runs import NewRun, create_flow_runs
from flowhand_server.store.name_segments import tail_batch
from flowhand_server.store.store import Store
from support.databases import make_flow

pytestmark = pytest.mark.anyio
NOW: Final = 1_700_000_000_000_000
SEGMENTS: Final = 30
RUNS: Final = 200
"""Of each segment; one of them is looked for."""
AT_MOST: Final = 1_500
"""Rows that are looked at for a count and a page: the tail, and for each segment its pieces, a page and a run. There are 30,000 in all."""
SORTS: Final = ("ID_DESC", "START_TIME_DESC", "EXPECTED_START_TIME_ASC", "NAME_ASC", "END_TIME_DESC", "NEXT_SCHEDULED_START_TIME_ASC")
BESIDE: Final[list[dict[str, Any]]] = [
    {},
    {"state": {"type": {"any_": ["PENDING"]}}},
    {"expected_start_time": {"before_": "2020-01-01T00:00:00Z"}},
]
TABLES: Final = ("flow_run", "name_tail", "name_segment", "name_page", "name_piece")
SEEN: Final = text("SELECT coalesce(sum(seq_tup_read + idx_tup_fetch), 0) FROM pg_stat_xact_user_tables WHERE relname = ANY(:tables)")


def fill(conn: Connection) -> None:
    """Runs in segments, and some at the tail."""
    flow = make_flow(conn)
    for segment in range(SEGMENTS + 1):
        names = [f"run-{segment}-{n}-{'needle' if n == 0 else n * 7919}" for n in range(RUNS)]
        create_flow_runs(conn, flow, [NewRun(flow, propose("PENDING"), name=name) for name in names], NOW)
        batch = tail_batch(conn, least=1)
        if batch is not None and segment < SEGMENTS:
            assert put(conn, batch)
    conn.execute(text("ANALYZE"))


def queries() -> list[FlowRunQuery]:
    wanted = [{"flow_runs": {"name": {"like_": "needle"}, **beside}, "sort": sort, "limit": 5} for sort in SORTS for beside in BESIDE]
    return [FlowRunQuery.model_validate(one) for one in wanted]


def ask(conn: Connection, query: FlowRunQuery) -> None:
    assert count_flow_runs(conn, query) in {0, SEGMENTS + 1}
    find_flow_runs(conn, query, NOW)


async def test_a_rare_name_is_found_without_a_look_at_the_others(store: Store) -> None:
    """In each order, and beside filters that all runs fit, or none."""

    def rows_seen(conn: Connection, query: FlowRunQuery) -> int:
        before = conn.execute(SEEN, {"tables": list(TABLES)}).scalar_one()
        ask(conn, query)
        return int(conn.execute(SEEN, {"tables": list(TABLES)}).scalar_one() - before)

    def plans(conn: Connection, query: FlowRunQuery) -> list[str]:
        driver: Any = conn.connection.dbapi_connection
        said: list[str] = []
        driver.set_trace_callback(said.append)
        ask(conn, query)
        driver.set_trace_callback(None)
        asked = [one for one in said if one.lstrip().startswith(("SELECT", "WITH"))]
        return [row[3] for one in asked for row in driver.execute(f"EXPLAIN QUERY PLAN {one}")]

    await store.write(fill)
    for query in queries():
        if store.kind == "sqlite":
            steps = await store.read(plans, query)
            assert not [step for step in steps if step.startswith(("SCAN flow_run", "SCAN name_piece", "SCAN name_page", "SCAN name_tail"))]
            assert [step for step in steps if step == "SEARCH name_piece USING PRIMARY KEY (segment=? AND piece=?)"]
        else:
            assert await store.read(rows_seen, query) <= AT_MOST
