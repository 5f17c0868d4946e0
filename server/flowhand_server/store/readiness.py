"""Who goes ready or not, on- or offline: the status and the event that tells of it, in one transaction (contract 5.4, 8.3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Table, bindparam, select, update

from flowhand.wire.events import RESOURCE_ID, RESOURCE_NAME, RESOURCE_ROLE

from .events import emit
from .prepared import Prepared
from .tables import flow, work_pool, work_queue

_WORDS: Final = {"READY": "ready", "NOT_READY": "not-ready", "ONLINE": "online", "OFFLINE": "offline"}
_AROUND: Final = {
    column: (table.name.replace("_", "-"), Prepared(select(table.c.name).where(table.c.id == bindparam("id"))))
    for column, table in (("flow_id", flow), ("work_queue_id", work_queue), ("work_pool_id", work_pool))
}
"""By column: what a thing belongs to, as its role and where its name stands."""


class Turn:
    """Gives `status` to those rows of a pool, queue, deployment or worker table that are meant and have another, and tells of each.

    Made once: what changes from time to time stands in the condition as a parameter.
    """

    def __init__(self, table: Table, which: ColumnElement[bool], status: str) -> None:
        columns = [table.c[name] for name in ("id", "name", *_AROUND) if name in table.c]
        self._changed = Prepared(update(table).where(which, table.c.status != status).values(status=status).returning(*columns))
        self._noun = table.name.replace("_", "-")
        self._event = f"prefect.{self._noun}.{_WORDS[status]}"

    def __call__(self, conn: Connection, now: int, **values: Any) -> None:
        """Does it, with what the parameters of the condition stand for."""
        for row in self._changed.all(conn, **values):
            resource = {RESOURCE_ID: f"prefect.{self._noun}.{row.id}", RESOURCE_NAME: row.name}
            emit(conn, self._event, resource, now, related=list(_related(conn, row)))


def _related(conn: Connection, row: Any) -> Iterator[dict[str, str]]:
    for column, (role, named) in _AROUND.items():
        key = getattr(row, column, None)
        name = named.scalar(conn, id=key) if key else None
        if name is not None:
            yield {RESOURCE_ID: f"prefect.{role}.{key}", RESOURCE_ROLE: role, RESOURCE_NAME: name}
