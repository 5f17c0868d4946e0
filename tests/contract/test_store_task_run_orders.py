"""Orders of task runs by times that not each of them has: the same on every kind of database."""

from __future__ import annotations

from typing import Final

import pytest
from sqlalchemy import Connection, Engine, insert

from flowhand.ids import new_id
from flowhand.wire.filters import TaskRunQuery
from flowhand_server.store import tables as t
from flowhand_server.store.task_runs import find_task_runs

TIMES: Final = (None, 10_000_000, 30_000_000, None, 20_000_000)


@pytest.mark.parametrize(("sort", "expected"), [("END_TIME_DESC", [2, 4, 1]), ("NEXT_SCHEDULED_START_TIME_ASC", [1, 4, 2])])
def test_those_without_a_time_stand_where_the_least_stands(engine: Engine, sort: str, expected: list[int]) -> None:
    """As in Prefect's server on SQLite: behind the earliest, or before it."""
    with engine.begin() as conn:
        names = fill(conn)
        found = find_task_runs(conn, TaskRunQuery.model_validate({"task_runs": {"name": {"any_": names}}, "sort": sort}), 0)
        places = [names.index(run["name"]) for run in found]
        without = {0, 3}
        assert [place for place in places if place not in without] == expected
        assert set(places[:2] if sort.endswith("ASC") else places[-2:]) == without


def fill(conn: Connection) -> list[str]:
    names = [new_id() for _ in TIMES]
    for name, at in zip(names, TIMES, strict=True):
        keys = {"id": new_id(), "name": name, "task_key": name, "dynamic_key": "0"}
        conn.execute(insert(t.task_run).values(**keys, created=1, updated=1, end_time=at, next_scheduled_start_time=at))
    return names
