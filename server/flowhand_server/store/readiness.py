"""Who goes ready or not, on- or offline: the status and the event that tells of it, in one transaction (contract 5.4, 8.3)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, Connection, Table, update

from flowhand.wire.events import RESOURCE_ID, RESOURCE_NAME

from .events import emit

_WORDS: Final = {"READY": "ready", "NOT_READY": "not-ready", "ONLINE": "online", "OFFLINE": "offline"}


def turn(conn: Connection, table: Table, which: ColumnElement[bool], status: str, now: int) -> None:
    """Gives `status` to those rows of a pool, queue, deployment or worker table that have another, and tells of each."""
    changed = update(table).where(which, table.c.status != status).values(status=status).returning(table.c.id, table.c.name)
    noun = table.name.replace("_", "-")
    for row in conn.execute(changed).all():
        emit(conn, f"prefect.{noun}.{_WORDS[status]}", {RESOURCE_ID: f"prefect.{noun}.{row.id}", RESOURCE_NAME: row.name}, now)
