"""Searches of flow runs on every kind of database: whichever way they go, they find what a plain SELECT finds."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, Final

import pytest
from sqlalchemy import ColumnElement, Connection, Engine, func, select, update

from flowhand.ids import new_id
from flowhand.wire.filters import FlowRunQuery
from flowhand_server.orchestration.state import scheduled
from flowhand_server.store import tables as t
from flowhand_server.store.flow_run_reading import find_flow_run_ids, find_flow_runs
from flowhand_server.store.flow_runs import NewRun, create_flow_runs
from flowhand_server.store.nouns import where
from flowhand_server.store.search import PEEK, PROBE
from flowhand_server.store.work_pools import delete_pool
from support.databases import make_deployment, make_pool

NOW: Final = 1_700_000_000_000_000
COUNT: Final = PROBE + PEEK
BUSY, IDLE = "busy", "idle"
"""Deployments: one of almost all runs, and one of a few."""


class House:
    """A database with runs: every third has ended, the others are still to come."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        pool, queue = make_pool(conn)
        self.pool = {"id": pool, "name": f"pool-{pool}"}
        self.flow, self.deployments = "", dict[str, str]()
        for name in (BUSY, IDLE):
            self.flow, self.deployments[name] = make_deployment(conn, queue)
            runs = [self._run(number, name) for number in range(COUNT) if (number % 100 == 7) == (name == IDLE)]
            create_flow_runs(conn, self.flow, runs, NOW)
        run = t.flow_run.c
        ended = {"state_type": "COMPLETED", "state_name": "Completed", "next_scheduled_start_time": None}
        places = {"start_time": run.expected_start_time + 5, "end_time": run.expected_start_time + 9}
        conn.execute(update(t.flow_run).where(run.expected_start_time < NOW).values(**ended, **places))

    def _run(self, number: int, deployment: str) -> NewRun:
        tags = ["all"] + ["rare"] * (number % 50 == 0) + ["some"] * (number % 40 == 0)
        due = NOW + number * (-1 if number % 3 == 0 else 1)
        return NewRun(
            self.flow,
            scheduled(due),
            name=f"run-{number:05}" + "-Needle" * (number % 60 == 0),
            deployment_id=self.deployments[deployment],
            work_pool_id=self.pool["id"],
            tags=tags,
        )

    def query(self, **wanted: Any) -> FlowRunQuery:
        return FlowRunQuery.model_validate(wanted)

    def of(self, deployment: str) -> dict[str, Any]:
        return {"id": {"any_": [self.deployments[deployment]]}}

    def some_ids(self) -> list[str]:
        return list(self.conn.execute(select(_run.id).where(_run.name.like("%9"))).scalars())


@pytest.fixture(scope="module")
def house(engine: Engine) -> Generator[House]:
    with engine.begin() as conn:
        yield House(conn)


ENDED: Final = {"state": {"type": {"any_": ["COMPLETED", "FAILED"]}}}
FILTERS: Final[Sequence[Callable[[House], dict[str, Any]]]] = [
    lambda _: {},
    lambda house: {"deployments": house.of(BUSY), "flow_runs": ENDED},
    lambda house: {"deployments": house.of(IDLE), "flow_runs": ENDED},
    lambda house: {"flow_runs": {"deployment_id": {"any_": [house.deployments[IDLE]]}}},
    lambda house: {"flows": {"id": {"any_": [house.flow, house.deployments[BUSY]]}}},
    lambda _: {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}},
    lambda _: {"flow_runs": {"state": {"type": {"not_any_": ["SCHEDULED"]}}}},
    lambda _: {"flow_runs": {"state": {"operator": "or_", "type": {"any_": ["FAILED"]}, "name": {"any_": ["Scheduled"]}}}},
    lambda _: {"flow_runs": {"state": {"type": {"any_": ["FAILED", "CANCELLED", "CRASHED"]}}}},
    lambda _: {"flow_runs": {"name": {"like_": "needle"}}},
    lambda _: {"flow_runs": {"name": {"like_": "run%1"}}},
    lambda _: {"flow_runs": {"name": {"any_": ["run-00003", "run-00004", "run-00005"]}}},
    lambda house: {"flow_runs": {"id": {"any_": [*house.some_ids(), *(new_id() for _ in range(2_000))]}}},
    lambda _: {"flow_runs": {"tags": {"all_": ["all"]}, **ENDED}},
    lambda _: {"flow_runs": {"tags": {"all_": ["all", "rare", "some"]}}},
    lambda _: {"flow_runs": {"tags": {"any_": ["rare", "some"]}, **ENDED}},
    lambda _: {"flow_runs": {"tags": {"all_": ["all", "rare", "none"], "any_": ["some"]}}},
    lambda _: {"flow_runs": {"operator": "or_", "tags": {"all_": ["rare"]}, "name": {"like_": "1-needle"}}},
    lambda _: {
        "flow_runs": {
            "tags": {"all_": ["rare"]},
            "state": {"operator": "or_", "type": {"any_": ["FAILED"]}, "name": {"any_": ["Late", "Completed"]}},
        }
    },
    lambda _: {"flow_runs": {"expected_start_time": {"after_": "2023-11-14T22:13:20.000400Z"}}},
    lambda _: {"flow_runs": {"expected_start_time": {"before_": "2023-11-14T22:13:20.000400Z", "after_": "2023-11-14T22:13:19.999900Z"}}},
    lambda _: {"flow_runs": {"start_time": {"before_": "2023-11-14T22:13:19.999900Z"}}},
    lambda _: {"flow_runs": {"start_time": {"after_": "2023-11-14T22:13:19.999900Z", "is_null_": False}, **ENDED}},
    lambda house: {"flow_runs": {"expected_start_time": {"before_": "2023-11-14T22:13:19.999900Z"}}, "deployments": house.of(BUSY)},
    lambda _: {"flow_runs": {"deployment_id": {"is_null_": True}}},
    lambda house: {"work_pools": {"id": {"any_": [house.pool["id"]]}}, "flow_runs": {"name": {"like_": "9"}}},
]
_run = t.flow_run.c
_begun = func.coalesce(_run.start_time, _run.expected_start_time)
SORTS: Final[dict[str, tuple[ColumnElement[Any], ...]]] = {
    "ID_DESC": (_run.id.desc(),),
    "START_TIME_DESC": (_begun.desc(), _run.id.desc()),
    "EXPECTED_START_TIME_ASC": (_run.expected_start_time, _run.id),
    "EXPECTED_START_TIME_DESC": (_run.expected_start_time.desc(), _run.id.desc()),
    "NAME_DESC": (_run.name.desc(), _run.id.desc()),
    "END_TIME_DESC": (_run.end_time.is_(None), _run.end_time.desc(), _run.id.desc()),
    "NEXT_SCHEDULED_START_TIME_ASC": (_run.next_scheduled_start_time.is_(None), _run.next_scheduled_start_time, _run.id),
}


@pytest.mark.parametrize("number", range(len(FILTERS)))
def test_a_search_finds_what_there_is(house: House, number: int) -> None:
    """The first page, the end of few, one far behind: the rows of a plain SELECT, in each order; ids alone are the same."""
    wanted = FILTERS[number](house)
    plain = select(_run.id).where(*where(t.flow_run, house.query(**wanted)))
    for sort, order in SORTS.items():
        expected = list(house.conn.execute(plain.order_by(*order)).scalars())
        for offset in (0, max(1, len(expected) - 2), PROBE + 10):
            query = house.query(**wanted, sort=sort, limit=7, offset=offset)
            assert [run["id"] for run in find_flow_runs(house.conn, query, NOW)] == expected[offset : offset + 7]
        assert find_flow_run_ids(house.conn, house.query(**wanted, limit=40), sort) == expected[:40]


def test_a_page_may_be_asked_for_behind_any_end(house: House) -> None:
    """Also behind more runs than there can be; a page of nothing has nothing."""
    for wanted in ({}, {"flow_runs": ENDED}):
        assert find_flow_runs(house.conn, house.query(**wanted, offset=2**40), NOW) == []
        assert find_flow_runs(house.conn, house.query(**wanted, limit=0), NOW) == []


def test_runs_of_a_pool_that_is_gone_are_not_found_by_it(house: House) -> None:
    """They keep its id, but are shown without it."""
    gone, queue = make_pool(house.conn)
    flow, deployment = make_deployment(house.conn, queue)
    create_flow_runs(house.conn, flow, [NewRun(flow, scheduled(NOW), deployment_id=deployment, work_pool_id=gone)], NOW)
    query = house.query(work_pools={"id": {"any_": [gone]}})
    assert len(find_flow_runs(house.conn, query, NOW)) == 1
    delete_pool(house.conn, f"pool-{gone}")
    assert find_flow_runs(house.conn, query, NOW) == []
