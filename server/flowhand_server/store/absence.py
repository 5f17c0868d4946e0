"""A worker or script comes after a time in which nobody came: what its schedules have missed meanwhile must not start all at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select

from flowhand.wire.runner import SessionRequest

from .prepared import Prepared, among
from .scheduling import make_up_for_absence
from .tables import deployment, work_queue

ABSENT_US: Final = 60_000_000
"""Silence that counts as an absence: as long as it takes for a queue to be called not ready (contract 5.4)."""


def make_up(conn: Connection, request: SessionRequest, pool_id: str | None, now: int) -> int:
    """Skips what the catch-up of the schedules does not want of the slots since the last poll. How many runs that were."""
    skipped = 0
    for deployment_id, last in _deployments(conn, request, pool_id):
        if now - (last or 0) > ABSENT_US:
            skipped += make_up_for_absence(conn, [deployment_id], last or 0, now)
    return skipped


_JOINED: Final = select(deployment.c.id, deployment.c.last_polled, work_queue.c.last_polled.label("queue_polled")).outerjoin_from(
    deployment, work_queue, work_queue.c.id == deployment.c.work_queue_id
)
_SERVED: Final = Prepared(_JOINED.where(among(deployment.c.id, "ids")))
_of_pool: Final = _JOINED.where(work_queue.c.work_pool_id == bindparam("pool"))
_OF_POOL: Final = Prepared(_of_pool)
_OF_QUEUES: Final = Prepared(_of_pool.where(among(work_queue.c.name, "queues")))


def _deployments(conn: Connection, request: SessionRequest, pool_id: str | None) -> Iterable[tuple[str, int | None]]:
    """The deployments that the session will take runs of, each with when somebody last asked for them."""
    values: dict[str, Any] = {"ids": request.deployments}
    if pool_id is not None:
        values = {"pool": pool_id, "queues": request.work_queues}
    statement = _SERVED if pool_id is None else _OF_QUEUES if request.work_queues else _OF_POOL
    for row in statement.all(conn, **values):
        polled = [at for at in (row.last_polled, row.queue_polled if pool_id else None) if at is not None]
        yield row.id, max(polled, default=None)
