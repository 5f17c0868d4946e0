"""Facts about the database itself, as rows of `meta`."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from .tables import meta


def read_fact(conn: Connection, key: str) -> str | None:
    """The fact's text; None when it was never written."""
    return conn.execute(select(meta.c.value).where(meta.c.key == key)).scalar()


def write_fact(conn: Connection, key: str, value: str) -> None:
    """Sets a fact."""
    if not conn.execute(update(meta).where(meta.c.key == key).values(value=value)).rowcount:
        conn.execute(insert(meta).values(key=key, value=value))
