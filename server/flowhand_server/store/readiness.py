"""Who goes ready or not, on- or offline: the status and the event that tells of it, in one transaction (contract 5.4, 8.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Table, select, update

from flowhand.wire.events import RESOURCE_ID, RESOURCE_NAME, RESOURCE_ROLE

from .events import emit
from .tables import flow, work_pool, work_queue

_WORDS: Final = {"READY": "ready", "NOT_READY": "not-ready", "ONLINE": "online", "OFFLINE": "offline"}
_AROUND: Final = {"flow_id": flow, "work_queue_id": work_queue, "work_pool_id": work_pool}
"""By column: what a thing belongs to."""


def turn(conn: Connection, table: Table, which: ColumnElement[bool], status: str, now: int) -> None:
    """Gives `status` to those rows of a pool, queue, deployment or worker table that have another, and tells of each."""
    columns = [table.c[name] for name in ("id", "name", *_AROUND) if name in table.c]
    changed = update(table).where(which, table.c.status != status).values(status=status).returning(*columns)
    noun = table.name.replace("_", "-")
    for row in conn.execute(changed).mappings().all():
        resource = {RESOURCE_ID: f"prefect.{noun}.{row['id']}", RESOURCE_NAME: row["name"]}
        emit(conn, f"prefect.{noun}.{_WORDS[status]}", resource, now, related=list(_related(conn, row)))


def _related(conn: Connection, row: Mapping[Any, Any]) -> Iterator[dict[str, str]]:
    for column, table in _AROUND.items():
        key = row.get(column)
        name = conn.execute(select(table.c.name).where(table.c.id == key)).scalar() if key else None
        if name is not None:
            role = table.name.replace("_", "-")
            yield {RESOURCE_ID: f"prefect.{role}.{key}", RESOURCE_ROLE: role, RESOURCE_NAME: name}
