"""Which plans of searches PostgreSQL keeps: none of frequent values for rare ones, and not many."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, Final

import pytest
from sqlalchemy import Connection, text

from flowhand.ids import new_id
from flowhand.wire.filters import FlowRunQuery
from flowhand_server.orchestration.state import propose
from flowhand_server.store import tables as t
from flowhand_server.store.flow_run_reading import find_flow_runs
from flowhand_server.store.flow_runs import NewRun, create_flow_runs
from flowhand_server.store.search import LIMITS, PEEK
from flowhand_server.store.store import Store
from support.databases import make_deployment, open_store, prepared_database

pytestmark = pytest.mark.anyio
NOW: Final = 1_700_000_000_000_000
MANY: Final = 15_000
FEW: Final = 10
AT_MOST: Final = 3 * PEEK
"""Rows that are looked at for a page of rare ones: a peek that is in vain, and those themselves."""
SEEN: Final = text("SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'flow_run'")
KEPT: Final = text("SELECT count(*) FROM pg_prepared_statements")
SORTS: Final = ("ID_DESC", "START_TIME_DESC", "EXPECTED_START_TIME_DESC", "EXPECTED_START_TIME_ASC", "NAME_ASC", "END_TIME_DESC")


def fill(conn: Connection) -> list[str]:
    """Two deployments: one with MANY runs that have completed, and one with a few old ones that have failed."""
    deployments: list[str] = []
    for state, at in (("COMPLETED", NOW), ("FAILED", NOW - 10**12)):
        flow, deployment = make_deployment(conn, None)
        create_flow_runs(conn, flow, [NewRun(flow, propose(state), deployment_id=deployment, tags=[state])], at)
        deployments.append(deployment)
    for deployment, count in zip(deployments, (MANY, FEW), strict=True):
        values = {"id": "gen_random_uuid()::text", "name": "'run-' || n"} | dict.fromkeys(
            ("expected_start_time", "start_time", "end_time"), "expected_start_time + n::bigint * 1000000"
        )
        columns = [column.name for column in t.flow_run.c]
        chosen = ", ".join(values.get(name, name) for name in columns)
        copies = f"INSERT INTO flow_run ({', '.join(columns)}) SELECT {chosen} FROM flow_run, generate_series(1, {count}) n"
        conn.execute(text(f"{copies} WHERE deployment_id = :deployment"), {"deployment": deployment})
    conn.execute(text("ANALYZE flow_run"))
    return deployments


class House:
    """A store on PostgreSQL, and its deployments, the busy one first."""

    def __init__(self, store: Store, deployments: list[str]) -> None:
        self.store = store
        self.deployments = deployments

    async def rows_seen(self, sort: str, frequent: dict[str, Any], rare: dict[str, Any]) -> int:
        """How many rows of runs are looked at for a page of the rare ones, after ten pages of the frequent ones on the same connection."""

        def find(conn: Connection, wanted: dict[str, Any]) -> int:
            return len(find_flow_runs(conn, FlowRunQuery.model_validate({**wanted, "sort": sort, "limit": 10}), NOW))

        def ask(conn: Connection) -> int:
            assert [find(conn, frequent) for _ in range(10)] == [10] * 10
            before = conn.execute(SEEN).scalar_one()
            assert find(conn, rare) == 10
            return conn.execute(SEEN).scalar_one() - before

        return await self.store.read(ask)


@pytest.fixture
async def house(postgres_url: str) -> AsyncGenerator[House]:
    store = open_store(prepared_database(postgres_url))
    yield House(store, await store.write(fill))
    await store.close()


async def test_a_rare_value_is_found_by_its_index(house: House) -> None:
    """Of a deployment, by either filter, and of a name of a state, in each order."""
    busy, idle = house.deployments
    pairs: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"deployments": {"id": {"any_": [busy]}}}, {"deployments": {"id": {"any_": [idle]}}}),
        ({"flow_runs": {"state": {"name": {"any_": ["Completed"]}}}}, {"flow_runs": {"state": {"name": {"any_": ["Failed"]}}}}),
    ]
    seen = {(sort, number): await house.rows_seen(sort, *pair) for sort in SORTS for number, pair in enumerate(pairs)}
    assert {which: count for which, count in seen.items() if count > AT_MOST} == {}


async def test_limits_and_long_lists_leave_few_statements(house: House) -> None:
    """PostgreSQL keeps statements for as many limits as they are rounded up to, and none with a thousand ids in it."""
    ids = [new_id() for _ in range(1000)]

    def ask(conn: Connection) -> int:
        before = conn.execute(KEPT).scalar_one()
        for limit in range(1, 201, 9):
            for excluded in (ids[:3], ids):
                wanted = {"flow_runs": {"id": {"not_any_": excluded}}, "sort": "ID_DESC", "limit": limit}
                assert len(find_flow_runs(conn, FlowRunQuery.model_validate(wanted), NOW)) == limit
        return conn.execute(KEPT).scalar_one() - before

    assert await house.store.read(ask) <= len(LIMITS)
