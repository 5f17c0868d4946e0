"""Facts about the database itself, as rows of `meta`."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, insert, select, update

from .tables import meta

_READ: Final = select(meta.c.value).where(meta.c.key == bindparam("fact"))
_CHANGE: Final = update(meta).where(meta.c.key == bindparam("fact")).values(value=bindparam("text"))
_ADD: Final = insert(meta)


def read_fact(conn: Connection, key: str) -> str | None:
    """The fact's text; None when it was never written."""
    return conn.execute(_READ, {"fact": key}).scalar()


def write_fact(conn: Connection, key: str, value: str) -> None:
    """Sets a fact."""
    if not conn.execute(_CHANGE, {"fact": key, "text": value}).rowcount:
        conn.execute(_ADD, {"key": key, "value": value})
