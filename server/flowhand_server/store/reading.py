"""What reading has in common: bounds, orders, and inserts that may find their row there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, Table
from sqlalchemy.dialects import postgresql, sqlite

from flowhand.wire.body import DEFAULT_LIMIT
from flowhand.wire.filters import Window

_INSERTS: Final[Mapping[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def insert_once(conn: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Inserts a row unless one with the same key is there. Whether it was inserted."""
    statement = _INSERTS[conn.dialect.name](table).values(**values).on_conflict_do_nothing()
    return bool(conn.execute(statement).rowcount)


def bounded(statement: Select[Any], window: Window) -> Select[Any]:
    """The part of the rows that was asked for."""
    limit = DEFAULT_LIMIT if window.limit is None else window.limit
    bounded_statement = statement.limit(limit)
    return bounded_statement.offset(window.offset) if window.offset else bounded_statement


def named_order(table: Table, sort: str | None) -> list[ColumnElement[Any]]:
    """The order of things that have a name; ties are broken by id, so that pages do not overlap."""
    c = table.c
    match sort:
        case "CREATED_DESC":
            return [c.created.desc(), c.id.desc()]
        case "UPDATED_DESC":
            return [c.updated.desc(), c.id.desc()]
        case "NAME_DESC":
            return [c.name.desc(), c.id.desc()]
        case _:
            return [c.name, c.id]


def insert_many_once(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts rows, leaving out those whose key is there."""
    if rows:
        conn.execute(_INSERTS[conn.dialect.name](table).on_conflict_do_nothing(), rows)
