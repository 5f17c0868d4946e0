"""Who has not been heard of is called offline, and what nobody asks for is not ready (contract 5.4)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, ColumnElement, Connection, Table, bindparam, exists, func, or_, select

from flowhand_server.store.presence import SILENT, UNKNOWN_S
from flowhand_server.store.readiness import Turn
from flowhand_server.store.tables import deployment, work_pool, work_queue, worker

POLLED_WITHIN_US: Final = 60_000_000

_now: Final = bindparam("moment", type_=BigInteger)


def _unpolled(table: Table) -> ColumnElement[bool]:
    return (table.c.status == "READY") & or_(table.c.last_polled.is_(None), table.c.last_polled < _now - POLLED_WITHIN_US)


_interval: Final = func.coalesce(worker.c.heartbeat_interval_seconds, UNKNOWN_S) * (SILENT * 1_000_000)
_silent: Final = (worker.c.status == "ONLINE") & (func.coalesce(worker.c.last_heartbeat_time, 0) < _now - _interval)
_manned: Final = exists().where(worker.c.work_pool_id == work_pool.c.id, worker.c.status == "ONLINE")
_TURNED: Final = (
    (worker, _silent, "OFFLINE"),
    (work_pool, (work_pool.c.status == "READY") & ~_manned, "NOT_READY"),
    (work_queue, _unpolled(work_queue), "NOT_READY"),
    (deployment, _unpolled(deployment), "NOT_READY"),
)
"""Workers first: their pools follow them."""
_DUE: Final = select(or_(*(exists().where(which).select_from(table) for table, which, _ in _TURNED)))
_TURNS: Final = tuple(Turn(*turned) for turned in _TURNED)


def due(conn: Connection, now: int) -> bool:
    """Whether anything that is called ready or online may no longer be."""
    return bool(conn.execute(_DUE, {"moment": now}).scalar_one())


def inspect(conn: Connection, now: int) -> int:
    """Puts their status right, and tells of it."""
    for turn in _TURNS:
        turn(conn, now, moment=now)
    return 0
