"""Who has not been heard of is called offline, and what nobody asks for is not ready (contract 5.4)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, Connection, Table, exists, func, or_, select

from flowhand_server.store.presence import SILENT
from flowhand_server.store.readiness import turn
from flowhand_server.store.tables import deployment, work_pool, work_queue, worker

UNKNOWN_S: Final = 30
"""The heartbeat of a worker that has not said how often it sends one."""
POLLED_WITHIN_US: Final = 60_000_000


def due(conn: Connection, now: int) -> bool:
    """Whether anything that is called ready or online may no longer be."""
    return bool(
        conn.execute(select(worker.c.id).where(_silent(now)).limit(1)).first()
        or conn.execute(select(work_queue.c.id).where(_unpolled(work_queue, now)).limit(1)).first()
        or conn.execute(select(deployment.c.id).where(_unpolled(deployment, now)).limit(1)).first()
        or conn.execute(select(work_pool.c.id).where(_deserted()).limit(1)).first()
    )


def inspect(conn: Connection, now: int) -> int:
    """Puts their status right, and tells of it."""
    turn(conn, worker, _silent(now), "OFFLINE", now)
    turn(conn, work_pool, _deserted(), "NOT_READY", now)
    turn(conn, work_queue, _unpolled(work_queue, now), "NOT_READY", now)
    turn(conn, deployment, _unpolled(deployment, now), "NOT_READY", now)
    return 0


def _silent(now: int) -> ColumnElement[bool]:
    interval = func.coalesce(worker.c.heartbeat_interval_seconds, UNKNOWN_S) * (SILENT * 1_000_000)
    heard = func.coalesce(worker.c.last_heartbeat_time, 0)
    return (worker.c.status == "ONLINE") & (heard < now - interval)


def _deserted() -> ColumnElement[bool]:
    online = exists().where(worker.c.work_pool_id == work_pool.c.id, worker.c.status == "ONLINE")
    return (work_pool.c.status == "READY") & ~online


def _unpolled(table: Table, now: int) -> ColumnElement[bool]:
    return (table.c.status == "READY") & or_(table.c.last_polled.is_(None), table.c.last_polled < now - POLLED_WITHIN_US)
