"""What reading has in common: bounds, orders, and inserts that may find their row there already."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Boolean, ColumnElement, Connection, Select, Table, and_, select
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
    return compiler.process(element.clauses, **options)


@compiles(Opaque, "sqlite")
def _opaque_sqlite(element: Opaque, compiler: SQLCompiler, **options: Any) -> str:
    return f"+({compiler.process(element.clauses, **options)})"


PROBE: Final = 1000
"""Rows that are sorted rather than walked to in order."""
PEEK: Final = 500
"""Rows that are looked at in order before anything else is tried."""


def ordered_ids(
    conn: Connection,
    table: Table,
    conditions: Sequence[ColumnElement[bool]],
    order: Sequence[ColumnElement[Any]],
    window: Window,
    probe: Select[tuple[str]] | None = None,
    within: ColumnElement[bool] | None = None,
    *,
    indexed: bool = False,
) -> list[str]:
    """The ids of the rows that fit, in order, the part that was asked for; at a cost that does not grow with the table.

    SQLite knows neither how many rows fit nor what LIMIT means for its choice of an index. So it is asked for some rows that fit first: if
    these are all, they are sorted; if there are more, rows are walked in order, by the order's own index, until enough fit. PostgreSQL
    knows more, and is asked first only with a `probe`: a better way to find rows that fit, or conditions that it cannot estimate. `within`
    is what the order's index is confined to, if it is. Where the order is `indexed`, SQLite looks at its first rows before all that: often
    enough of them fit.
    """
    column = table.c.id
    statement = select(column).order_by(*order)
    if within is not None:
        statement = statement.where(within)
    if indexed and probe is None and conditions and conn.dialect.name == "sqlite":
        found = _peek(conn, statement, and_(*conditions), window)
        if found is not None:
            return found
    if conditions and (conn.dialect.name == "sqlite" or probe is not None):
        asked = select(column).where(*conditions) if probe is None else probe
        asked = asked if within is None else asked.where(within)
        some = list(conn.execute(asked.limit(PROBE)).scalars())
        few = column.in_(some)
        statement = statement.where(few if len(some) < PROBE else Opaque(and_(*conditions)))
    else:
        statement = statement.where(*conditions)
    return list(conn.execute(bounded(statement, window)).scalars())


def _peek(conn: Connection, ordered: Select[Any], fits: ColumnElement[bool], window: Window) -> list[str] | None:
    """The part that was asked for, if the first rows show it; None if they do not. `fits` stands where no index is looked for."""
    end = window.offset + (DEFAULT_LIMIT if window.limit is None else window.limit)
    if end > PEEK // 2:
        return None
    found: list[str] = []
    seen = 0
    with conn.execute(ordered.add_columns(fits).limit(PEEK)) as rows:
        for key, fitting in rows:
            seen += 1
            if fitting:
                found.append(key)
            if len(found) == end:
                break
    return found[window.offset :] if len(found) == end or seen < PEEK else None


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
