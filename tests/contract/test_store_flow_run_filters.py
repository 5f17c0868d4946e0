"""Filters over flow runs on every kind of database: tags, texts, the order by next time; and that an index answers them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, Engine, update

from flowhand.clock import to_iso
from flowhand.wire.filters import Entities, FlowRunQuery
from flowhand.wire.flow_runs import FlowRunUpdate
from flowhand_server.orchestration.state import propose, scheduled
from flowhand_server.store import flow_run_reading as reading
from flowhand_server.store import tables as t
from flowhand_server.store.flow_run_changes import delete_flow_run, update_flow_run
from flowhand_server.store.flow_runs import NewRun, create_flow_run, create_flow_runs
from flowhand_server.store.migrating import configuration
from flowhand_server.store.postgresql_engine import engine as postgresql_engine
from flowhand_server.store.schema import prepare
from flowhand_server.store.search import PEEK, PROBE
from flowhand_server.store.sqlite_engine import engine as sqlite_engine
from support.databases import make_deployment, make_flow, prepared_database

NOW = 1_700_000_000_000_000


@pytest.fixture(params=["sqlite", "postgresql"])
def conn(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Connection]:
    made: Engine
    if request.param == "sqlite":
        made = sqlite_engine(tmp_path / "flowhand.db")
    else:
        made = postgresql_engine(prepared_database(request.getfixturevalue("postgres_url")), 1)
    with made.begin() as opened:
        prepare(opened, "here")
        yield opened
    made.dispose()


def make_run(conn: Connection, flow: str, name: str, *tags: str, due: int | None = None) -> str:
    state = propose("COMPLETED") if due is None else scheduled(NOW + due)
    return create_flow_run(conn, NewRun(flow, state, name=name, tags=list(tags)), NOW).id


def names(conn: Connection, sort: str = "NAME_ASC", limit: int = 200, offset: int = 0, **wanted: Any) -> list[str]:
    query = FlowRunQuery.model_validate({"flow_runs": wanted, "limit": limit, "offset": offset})
    ids = reading.find_flow_run_ids(conn, query, sort)
    assert reading.count_flow_runs(conn, Entities.model_validate({"flow_runs": wanted})) == len(ids) or limit != 200
    return [run["name"] for run in reading.flow_runs_in_order(conn, ids, NOW)]


def test_tags_are_found_and_follow_their_run(conn: Connection) -> None:
    """All of some, any of some, one that is asked twice; changed with the run, gone with it."""
    flow = make_flow(conn)
    one = make_run(conn, flow, "one", "blue", "red")
    two = make_run(conn, flow, "two", "blue")
    make_run(conn, flow, "three")
    assert names(conn, tags={"all_": ["blue", "red"]}) == ["one"]
    assert names(conn, tags={"any_": ["blue", "red"]}) == ["one", "two"]
    assert names(conn, tags={"all_": ["blue"], "is_null_": False}, name={"any_": ["two", "three"]}) == ["two"]
    assert names(conn, operator="or_", tags={"all_": ["red"]}, name={"any_": ["three"]}) == ["one", "three"]
    assert names(conn, tags={"operator": "or_", "all_": ["red"], "is_null_": True}) == ["one", "three"]
    assert names(conn, tags={"any_": []}) == []
    update_flow_run(conn, one, FlowRunUpdate(tags=["green"]), NOW)
    assert names(conn, tags={"any_": ["blue", "green"]}) == ["one", "two"]
    assert names(conn, tags={"any_": ["red"]}) == []
    delete_flow_run(conn, two)
    assert names(conn, tags={"any_": ["blue"]}) == []


def test_texts_are_found_in_any_case(conn: Connection) -> None:
    """And with the wildcards that clients may put into them."""
    flow = make_flow(conn)
    for name in ("Heavy-Needle", "haystack"):
        make_run(conn, flow, name)
    assert names(conn, name={"like_": "nEEdle"}) == ["Heavy-Needle"]
    assert names(conn, name={"like_": "h%st"}) == ["haystack"]


def test_runs_without_a_next_time_come_last(conn: Connection) -> None:
    """The same on every database, whatever page is asked for."""
    flow = make_flow(conn)
    for name, due in (("late", 9), ("soon", 1), ("ended", None), ("over", None)):
        make_run(conn, flow, name, due=due)
    whole = names(conn, "NEXT_SCHEDULED_START_TIME_ASC")
    assert whole[:2] == ["soon", "late"]
    assert sorted(whole[2:]) == ["ended", "over"]
    pages = [names(conn, "NEXT_SCHEDULED_START_TIME_ASC", limit=1, offset=place) for place in range(5)]
    assert [name for page in pages for name in page] == whole


@pytest.mark.parametrize("sort", ["NAME_ASC", "EXPECTED_START_TIME_DESC", "NEXT_SCHEDULED_START_TIME_ASC"])
@pytest.mark.parametrize("every", [3, 300])
def test_pages_are_the_same_wherever_what_fits_is(conn: Connection, sort: str, every: int) -> None:
    """Whether the first rows of the order show a page, or it has to be searched for: no run twice, none left out, in order."""
    flow = make_flow(conn)
    count = 3 * PEEK
    runs = [NewRun(flow, scheduled(NOW + n), name=f"{n:05}", auto_scheduled=n % every == 0) for n in range(count)]
    create_flow_runs(conn, flow, runs, NOW)
    conn.execute(update(t.flow_run).where(t.flow_run.c.auto_scheduled.is_(True)).values(state_name="Late"))
    fit = [f"{n:05}" for n in range(0, count, every)]
    expected = fit[::-1] if sort.endswith("DESC") else fit
    late = {"state": {"name": {"any_": ["Late"]}}}
    pages = [names(conn, sort, limit=40, offset=place, **late) for place in range(0, len(fit) + 40, 40)]
    assert [name for page in pages for name in page] == expected


def statements(conn: Connection, ask: Callable[[], object]) -> list[str]:
    """What SQLite is told meanwhile, values filled in."""
    told: list[str] = []
    driver: Any = conn.connection.dbapi_connection
    driver.set_trace_callback(told.append)
    ask()
    driver.set_trace_callback(None)
    return told


@pytest.fixture
def sqlite(tmp_path: Path) -> Generator[Connection]:
    """A database of SQLite's, whose planner knows nothing of the table's size."""
    made = sqlite_engine(tmp_path / "flowhand.db")
    with made.begin() as opened:
        prepare(opened, "here")
        yield opened
    made.dispose()


@pytest.mark.parametrize(
    ("sort", "wanted", "index"),
    [
        ("START_TIME_DESC", {"tags": {"all_": ["blue"]}}, "flow_run_tag USING PRIMARY KEY (tag=?)"),
        ("NEXT_SCHEDULED_START_TIME_ASC", {"state": {"type": {"any_": ["SCHEDULED"]}}}, "ix_flow_run_next"),
        ("START_TIME_DESC", {"name": {"like_": "0x"}}, "COVERING INDEX ix_flow_run_name"),
        ("START_TIME_DESC", {"state": {"name": {"any_": ["Late"]}}}, "ix_flow_run_state_name"),
    ],
)
def test_an_index_answers(sqlite: Connection, sort: str, wanted: dict[str, Any], index: str) -> None:
    """No search walks over the table to answer these."""
    flow = make_flow(sqlite)
    many = [NewRun(flow, scheduled(NOW + number), name=f"x{number}", tags=["blue"]) for number in range(PROBE + 1)]
    create_flow_runs(sqlite, flow, many, NOW)
    sqlite.execute(update(t.flow_run).where(t.flow_run.c.next_scheduled_start_time < NOW + 400).values(state_name="Late"))
    asked = statements(sqlite, lambda: names(sqlite, sort, limit=20, **wanted))
    steps = [str(step[3]) for said in asked for step in sqlite.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}")]
    assert any(index in step for step in steps), steps
    assert "SCAN flow_run" not in steps


@pytest.mark.parametrize("sort", ["START_TIME_DESC", "START_TIME_ASC", "EXPECTED_START_TIME_DESC", "EXPECTED_START_TIME_ASC"])
def test_an_order_by_a_time_is_entered_where_that_may_be(sqlite: Connection, sort: str) -> None:
    """What is outside of the span that is asked for is not walked over."""
    flow = make_flow(sqlite)
    create_flow_runs(sqlite, flow, [NewRun(flow, scheduled(NOW + number)) for number in range(10)], NOW)
    time = "start_time" if sort.startswith("START") else "expected_start_time"
    span: dict[str, Any] = {time: {"before_": to_iso(NOW + 6), "after_": to_iso(NOW + 4)}}
    asked = statements(sqlite, lambda: names(sqlite, sort, limit=3, **span))
    assert len(names(sqlite, sort, limit=9, **span)) == 3
    steps = [str(step[3]) for said in asked for step in sqlite.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}")]
    assert not [step for step in steps if step.startswith("SCAN flow_run")], steps


def test_the_migration_writes_down_the_tags_that_there_are(conn: Connection) -> None:
    """A database of before finds its runs by tag; and back."""
    make_run(conn, make_flow(conn), "one", "blue", "red")
    command.downgrade(configuration(conn), "0003")
    command.upgrade(configuration(conn), "head")
    assert names(conn, tags={"all_": ["blue", "red"]}) == ["one"]


@pytest.mark.parametrize(
    ("sort", "index"),
    [
        ("EXPECTED_START_TIME_DESC", "ix_flow_run_deployment_id (deployment_id=? AND expected_start_time<?)"),
        ("START_TIME_DESC", "ix_flow_run_begun (<expr><?)"),
    ],
)
def test_runs_to_come_are_not_walked_over(sqlite: Connection, sort: str, index: str) -> None:
    """What has ended of one deployment is found at once, however many runs are scheduled in front of it."""
    flow, deployment = make_deployment(sqlite)
    runs = [NewRun(flow, scheduled(NOW + number), name=f"{number:05}", deployment_id=deployment) for number in range(3 * PEEK)]
    create_flow_runs(sqlite, flow, runs, NOW)
    expected = t.flow_run.c.expected_start_time
    ended = {"state_type": "COMPLETED", "start_time": expected + 1, "end_time": expected + 2}
    sqlite.execute(update(t.flow_run).where(expected < NOW + 50).values(**ended))
    wanted = {"flow_runs": {"state": {"type": {"any_": ["COMPLETED", "FAILED"]}}}, "deployments": {"id": {"any_": [deployment]}}}
    query = FlowRunQuery.model_validate({**wanted, "sort": sort, "limit": 20})
    found: list[dict[str, Any]] = []
    [asked] = statements(sqlite, lambda: found.extend(reading.find_flow_runs(sqlite, query, NOW)))
    assert [run["name"] for run in found] == [f"{number:05}" for number in range(49, 29, -1)]
    steps = [str(step[3]) for step in sqlite.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}")]
    assert f"SEARCH flow_run USING INDEX {index}" in steps
