"""Ended runs are kept for a declared time, and then deleted with their states, leases and logs, in small chunks."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, delete, select, text

from flowhand.clock import Clock
from flowhand_server.automations.evaluating import trim_counts
from flowhand_server.store.events import trim_events
from flowhand_server.store.store import Store
from flowhand_server.store.tables import flow_run, lease, log, session

from .service import BETWEEN_CHUNKS_S, leads

EVERY_S: Final = 600.0
FIRST_AFTER_S: Final = 30.0
RUNS: Final = 50
LINES: Final = 2_000
SESSIONS_KEPT_US: Final = 86_400_000_000
EVENTS_KEPT_US: Final = 7 * 86_400_000_000
"""Events are many and soon of no interest (contract 5.5)."""
COUNTS_KEPT_US: Final = 2 * 3_600_000_000
"""What triggers counted is worth nothing once its time is over; late events may still come."""
_DAY_US: Final = 86_400_000_000
_ENDED: Final = text("SELECT id FROM flow_run WHERE end_time IS NOT NULL AND end_time < :before ORDER BY end_time LIMIT :n")


class Retention:
    """Deletes what is old."""

    name = "retention"

    def __init__(self, store: Store, clock: Clock, days: float) -> None:
        self._store = store
        self._clock = clock
        self._days = days
        self._first = True

    async def round(self) -> float:
        """One chunk; the next follows soon while there is more."""
        if self._first:
            self._first = False
            return FIRST_AFTER_S  # a server that has just started has better things to do
        now = self._clock.now_us()
        deleted = 0
        if self._days > 0:
            deleted = await self._store.write(delete_old_runs, now - round(self._days * _DAY_US))
        deleted += await self._store.write(trim_events, now - EVENTS_KEPT_US)
        deleted += await self._store.write(trim_counts, now - COUNTS_KEPT_US)
        if deleted:
            return BETWEEN_CHUNKS_S
        await self._store.write(delete_old_sessions, now - SESSIONS_KEPT_US)
        return EVERY_S


def delete_old_runs(conn: Connection, before: int) -> int:
    """Deletes a chunk of what ended before (microseconds, UTC): log lines first, then the runs that have none left. How much it was."""
    if not leads(conn, "retention"):
        return 0
    ids = conn.execute(_ENDED, {"before": before, "n": RUNS}).scalars().all()
    if not ids:
        return conn.execute(delete(log).where(log.c.cursor.in_(_ownerless(before)))).rowcount
    lines = select(log.c.cursor).where(log.c.flow_run_id.in_(ids)).limit(LINES)
    deleted = conn.execute(delete(log).where(log.c.cursor.in_(lines))).rowcount
    if deleted < LINES:
        deleted += conn.execute(delete(flow_run).where(flow_run.c.id.in_(ids))).rowcount
    return deleted


def delete_old_sessions(conn: Connection, before: int) -> int:
    """Forgets sessions that have not been heard of since (microseconds, UTC) and hold nothing."""
    if not leads(conn, "retention"):
        return 0
    holding = select(lease.c.session_id).where(text("lease.ended_at IS NULL"))
    return conn.execute(delete(session).where(session.c.last_seen < before, session.c.id.not_in(holding))).rowcount


def _ownerless(before: int):
    return select(log.c.cursor).where(log.c.flow_run_id.is_(None), log.c.timestamp < before).order_by(log.c.cursor).limit(LINES)
