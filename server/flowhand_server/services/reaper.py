"""The reaper ends or re-queues what has lost its lease, as the run's crash policy says (docs/protocol.md, Crash policy).

It keeps its hands still until the server itself has been there for a whole lease without a gap: a worker that could not reach a server
that was down, asleep or unable to write has done nothing wrong. It does so as well after every jump of the wall clock that anybody has seen
who read the time: a lease that was written between two jumps says nothing of how long ago that was. The floor under it is a row, so that
replicas share it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final, NamedTuple

import structlog
from sqlalchemy import Connection, bindparam, func, select

from flowhand.clock import WatchedClock
from flowhand_server.config import ServerConfig
from flowhand_server.store.leases import LIVE
from flowhand_server.store.notices import Notice
from flowhand_server.store.prepared import Prepared
from flowhand_server.store.reaping import bound_terms, end_graces, reap
from flowhand_server.store.store import Store
from flowhand_server.store.tables import lease, session

from .floor import alone, doubt, tick
from .service import leads

EVERY_S: Final = 2.0
"""Or six times in a lease, where leases are short."""
LOOK_S: Final = 60.0
"""How often it looks without being woken while nothing is held."""
RESTS_TOO_LONG: Final = 3
"""Leases that it rests without a word."""
_log = structlog.get_logger("flowhand.server")


class _Look(NamedTuple):
    """What a look came to."""

    jumps: int
    """Of the clock, that the floor takes account of."""
    reaped: int = 0
    rests: bool = False
    """Nothing may be reaped yet."""
    lease_s: float = 0.0


class Reaper:
    """Looks for leases that have run out."""

    name = "reaper"

    def __init__(self, store: Store, clock: WatchedClock, config: ServerConfig) -> None:
        self._store = store
        self._clock = clock
        self._config = config
        self._every_s = min(EVERY_S, config.lease_s / 6)
        self._rests_since: float | None = None
        self._told = False
        self._idle = False
        self._woken = asyncio.Event()

    def notice(self, notices: Sequence[Notice]) -> None:
        """A listener for the store: while nothing was held, also while that was being looked up, a run may have been claimed."""
        if any(notice.topic == "run" for notice in notices):
            self._woken.set()

    async def round(self) -> float:
        """One tick. While nobody holds anything it sleeps, and nothing is written."""
        if self._idle:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._woken.wait()
        self._woken.clear()
        self._idle = not await self._store.read(anything_held)
        if self._idle:
            return min(0.2, self._every_s)  # what comes in a burst is looked at once
        look = await self._store.write(self._work, self._clock.settled)
        self._clock.settled = max(self._clock.settled, look.jumps)
        self._tell(look)
        return self._every_s

    def _work(self, conn: Connection, settled: int) -> _Look:
        if not leads(conn, self.name):
            jumps = self._clock.jumps
            if jumps != settled:
                doubt(conn)
            return _Look(jumps)
        alone(conn)
        now, jumps = self._clock.now_and_jumps()  # read when no lease of another time can come in between any more
        if jumps != settled:
            doubt(conn)
        return self._reap(conn, now, jumps)

    def _reap(self, conn: Connection, now: int, jumps: int) -> _Look:
        lease_us, grace_us = longest_lease(conn, self._config), round(self._config.grace_s * 1_000_000)
        if not tick(conn, now, lease_us):
            bound_terms(conn, now + lease_us, now + grace_us)
            return _Look(jumps, rests=True, lease_s=lease_us / 1_000_000)
        end_graces(conn, now)
        return _Look(jumps, reap(conn, now, grace_us))

    def _tell(self, look: _Look) -> None:
        """A rest for a lease is as it should be; one that does not end has a cause that somebody has to mend."""
        if look.reaped:
            _log.warning("reaped runs whose worker was lost", runs=look.reaped)
        if not look.rests:
            if self._told:
                _log.info("leases are compared again")
            self._rests_since, self._told = None, False
            return
        now = self._clock.monotonic()
        self._rests_since = now if self._rests_since is None else self._rests_since
        if now - self._rests_since > RESTS_TOO_LONG * look.lease_s and not self._told:
            self._told = True
            _log.warning(
                "lost workers are not noticed: the time cannot be relied on. A clock is being set again and again, or those of the servers "
                "on this database differ; have one service set them all (chrony, systemd-timesyncd)",
                seconds=round(now - self._rests_since),
            )


_HELD: Final = Prepared(select(lease.c.flow_run_id).where(LIVE).limit(1))
_LONGEST: Final = Prepared(select(func.max(session.c.lease_us)).where(session.c.status == bindparam("status")))


def anything_held(conn: Connection) -> bool:
    """Whether there is any lease."""
    return _HELD.first(conn) is not None


def longest_lease(conn: Connection, config: ServerConfig) -> int:
    """The longest lease that an open session has, in microseconds."""
    longest = _LONGEST.scalar(conn, status="open")
    return max(longest or 0, round(config.lease_s * 1_000_000))
