"""The scheduler keeps each active schedule's next runs in the table (contract 5.1)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy import Connection

from flowhand.clock import Clock
from flowhand_server.store.facts import read_fact, write_fact
from flowhand_server.store.notices import Notice
from flowhand_server.store.scheduling import BATCH, any_schedule, make_up_for_outage, schedule_runs, schedules_due
from flowhand_server.store.store import Store

from .service import leads

EVERY_S: Final = 5.0
OUTAGE_US: Final = 15_000_000
"""Ticks further apart than this mean an outage: what fell into it is late by then (contract 5.3)."""
_TICK: Final = "scheduler_tick"
_log = structlog.get_logger("flowhand.server")


class Scheduler:
    """Woken by each change of a deployment, and every few seconds."""

    name = "scheduler"

    def __init__(self, store: Store, clock: Clock) -> None:
        self._woken = asyncio.Event()
        self._woken.set()
        self._store = store
        self._clock = clock

    def notice(self, notices: Sequence[Notice]) -> None:
        """A listener for the store: a deployment may have changed."""
        if any(notice.topic == "config" for notice in notices):
            self._woken.set()

    async def round(self) -> float:
        """Waits for its time or for a change; then one tick, and one batch when that is needed."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), EVERY_S)
        self._woken.clear()
        look = await self._store.read(self._look, self._clock.now_us())
        if look.tick_is_old:
            skipped = await self._store.write(self._tick, self._clock.now_us())
            if skipped:
                _log.warning("skipped slots that were missed while the server was away", runs=skipped)
        if look.runs_needed and await self._store.write(self._batch, self._clock.now_us()) == BATCH:
            self._woken.set()
        return 0.0

    def _look(self, conn: Connection, now: int) -> _Look:
        """Takes no write lock, so that an idle server writes nothing."""
        last = read_fact(conn, _TICK)
        old = last is None or not 0 <= now - int(last) < OUTAGE_US // 2
        return _Look(schedules_due(conn, now), old and any_schedule(conn))

    def _tick(self, conn: Connection, now: int) -> int:
        """Notes that the server is there; makes up for the time in which it was not."""
        if not leads(conn, self.name):
            return 0
        last = read_fact(conn, _TICK)
        write_fact(conn, _TICK, str(now))
        if last is None or now - int(last) <= OUTAGE_US:
            return 0
        return make_up_for_outage(conn, int(last), now)

    def _batch(self, conn: Connection, now: int) -> int:
        return schedule_runs(conn, now) if leads(conn, self.name) else 0


@dataclass(frozen=True, slots=True)
class _Look:
    """What a round has to do."""

    runs_needed: bool
    tick_is_old: bool
