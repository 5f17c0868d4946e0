"""What reading has in common: bounds, orders, and inserts that may find their row there already."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Boolean, ColumnElement, Connection, Select, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from flowhand.wire.body import DEFAULT_LIMIT
from flowhand.wire.filters import Window
from flowhand_server.store.prepared import Prepared

_INSERTS: Final[Mapping[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def insert_once(conn: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Inserts a row unless one with the same key is there. Whether it was inserted."""
    statement = _INSERTS[conn.dialect.name](table).values(**values).on_conflict_do_nothing()
    # what comes back tells; a row count is not known for every driver's insert
    return conn.execute(statement.returning(*table.primary_key)).first() is not None


def bounded(statement: Select[Any], window: Window) -> Select[Any]:
    """The part of the rows that was asked for."""
    limit = DEFAULT_LIMIT if window.limit is None else window.limit
    bounded_statement = statement.limit(limit)
    return bounded_statement.offset(window.offset) if window.offset else bounded_statement


class Opaque(FunctionElement[bool]):
    """A condition that SQLite is not to look for in an index (sqlite.org/optoverview, "unary +")."""

    type = Boolean()
    inherit_cache = True
    name = "opaque"


@compiles(Opaque)
def _opaque(element: Opaque, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.clauses, **options)})"


@compiles(Opaque, "sqlite")
def _opaque_sqlite(element: Opaque, compiler: SQLCompiler, **options: Any) -> str:
    return f"+({compiler.process(element.clauses, **options)})"


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
        _insert_once(conn.dialect.name, table, tuple(rows[0])).run_each(conn, rows)


@functools.cache
def _insert_once(dialect: str, table: Table, columns: tuple[str, ...]) -> Prepared:
    return Prepared(_INSERTS[dialect](table).on_conflict_do_nothing(), *columns)
