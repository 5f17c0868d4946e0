"""Events counted by resource: however many resources there are, which each run is."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from sqlalchemy import Connection, Engine, insert, text

from flowhand.wire.events import EventFilter
from flowhand_server.store import tables as t
from flowhand_server.store.event_counts import count_by_resource

PARAMETERS: Final = {"sqlite": 32_766, "postgresql": 65_535}
"""How many one statement may have: of SQLite's builds as a rule, of PostgreSQL's protocol."""
_NUMBERS: Final = {
    "sqlite": "(WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < :many) SELECT i FROM g)",
    "postgresql": "(SELECT generate_series(1, :many) AS i)",
}


def _fill(conn: Connection, many: int) -> None:
    row = "INSERT INTO event (id, occurred, received, event, resource_id, resource) SELECT i, i, i, 'many', 'many.' || i, '{}' FROM "
    conn.execute(text(f"{row} {_NUMBERS[conn.dialect.name]} AS numbers"), {"many": many})


def _limited(conn: Connection) -> None:
    """A build of SQLite may allow more than most do."""
    driver: Any = conn.connection.driver_connection
    if isinstance(driver, sqlite3.Connection):
        driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, PARAMETERS["sqlite"])


def test_more_resources_than_a_statement_has_parameters(engine: Engine) -> None:
    """They are counted by the database; no list of them goes back to it."""
    many = PARAMETERS[engine.dialect.name] + 1
    with engine.connect() as conn:
        _limited(conn)
        _fill(conn, many)
        found = count_by_resource(conn, EventFilter())
        conn.rollback()
    assert len(found) == many
    assert {one["count"] for one in found} == {1}


def test_a_resource_is_called_what_it_was_called_last(engine: Engine) -> None:
    """By the event of it that was stored last of those that fit; by its id where that one has no name, or an empty one."""
    named = (
        ("a", "prefect.resource.name", "old"),
        ("a", "prefect.name", "new"),
        ("b", "prefect.resource.name", ""),
        ("c", "prefect.name", "x"),
    )
    rows = [
        {
            "id": str(number),
            "occurred": number * 1_000_000,
            "received": 1,
            "event": f"e.{number}",
            "resource_id": resource,
            "resource": {"prefect.resource.id": resource, label: name},
        }
        for number, (resource, label, name) in enumerate((*named, ("c", "other", "y")))
    ]
    with engine.connect() as conn:
        conn.execute(insert(t.event), rows)
        shown = [(one["value"], one["label"], one["count"]) for one in count_by_resource(conn, EventFilter())]
        first = count_by_resource(conn, EventFilter.model_validate({"event": {"name": ["e.0"]}}))
        conn.rollback()
    assert shown == [("c", "c", 2), ("a", "new", 2), ("b", "b", 1)]
    assert [(one["label"], one["start_time"], one["end_time"]) for one in first] == [("old", first[0]["end_time"], first[0]["start_time"])]
