"""Filters over flow runs on every kind of database: tags, texts, the order by next time; and that an index answers them."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, Engine, event, update

from flowhand.wire.filters import Entities, FlowRunQuery
from flowhand.wire.flow_runs import FlowRunUpdate
from flowhand_server.orchestration.state import propose, scheduled
from flowhand_server.store import flow_run_reading as reading
from flowhand_server.store import tables as t
from flowhand_server.store.flow_run_changes import delete_flow_run, update_flow_run
from flowhand_server.store.flow_runs import NewRun, create_flow_run, create_flow_runs
from flowhand_server.store.migrating import configuration
from flowhand_server.store.postgresql_engine import engine as postgresql_engine
from flowhand_server.store.search import PEEK, PROBE
from flowhand_server.store.schema import prepare
from flowhand_server.store.sqlite_engine import engine as sqlite_engine
from support.databases import make_flow, prepared_database

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


@pytest.mark.parametrize(
    ("sort", "wanted", "index"),
    [
        ("START_TIME_DESC", {"tags": {"all_": ["blue"]}}, "flow_run_tag USING PRIMARY KEY (tag=?)"),
        ("NEXT_SCHEDULED_START_TIME_ASC", {"state": {"type": {"any_": ["SCHEDULED"]}}}, "ix_flow_run_next"),
        ("START_TIME_DESC", {"name": {"like_": "x"}}, "COVERING INDEX ix_flow_run_name"),
        ("START_TIME_DESC", {"state": {"name": {"any_": ["Late"]}}}, "ix_flow_run_state_name"),
    ],
)
def test_an_index_answers(tmp_path: Path, sort: str, wanted: dict[str, Any], index: str) -> None:
    """SQLite, whose planner knows nothing of the table's size, never walks over the table to answer these."""
    made = sqlite_engine(tmp_path / "flowhand.db")
    with made.begin() as conn:
        prepare(conn, "here")
        flow = make_flow(conn)
        many = [NewRun(flow, scheduled(NOW + number), name=f"x{number}", tags=["blue"]) for number in range(PROBE + 1)]
        create_flow_runs(conn, flow, many, NOW)
        conn.execute(update(t.flow_run).where(t.flow_run.c.next_scheduled_start_time < NOW + 400).values(state_name="Late"))
        asked: list[tuple[str, Any]] = []
        event.listen(conn, "before_cursor_execute", lambda *heard: asked.append((heard[2], heard[3])))
        names(conn, sort, limit=20, **wanted)
        plans = [[str(step[3]) for step in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}", given)] for said, given in list(asked)]
    made.dispose()
    steps = [step for plan in plans for step in plan]
    assert any(index in step for step in steps), steps
    assert "SCAN flow_run" not in steps


def test_the_migration_writes_down_the_tags_that_there_are(conn: Connection) -> None:
    """A database of before finds its runs by tag; and back."""
    make_run(conn, make_flow(conn), "one", "blue", "red")
    command.downgrade(configuration(conn), "0003")
    command.upgrade(configuration(conn), "head")
    assert names(conn, tags={"all_": ["blue", "red"]}) == ["one"]
