"""Facts about the database itself, as rows of `meta`."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, insert, select, update

from .prepared import Prepared
from .tables import meta

_READ: Final = Prepared(select(meta.c.value).where(meta.c.key == bindparam("fact")))
_CHANGE: Final = Prepared(update(meta).where(meta.c.key == bindparam("fact")).values(value=bindparam("text")).returning(meta.c.key))
_ADD: Final = Prepared(insert(meta), "key", "value")


def read_fact(conn: Connection, key: str) -> str | None:
    """The fact's text; None when it was never written."""
    return _READ.scalar(conn, fact=key)


def write_fact(conn: Connection, key: str, value: str) -> None:
    """Sets a fact."""
    if _CHANGE.first(conn, fact=key, text=value) is None:
        _ADD.run(conn, key=key, value=value)
