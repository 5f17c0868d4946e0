"""The floor under the reaper: the time before which nothing may be reaped. Two rows of `meta`."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from flowhand_server.store.facts import read_fact, write_fact

GAP_US: Final = 10_000_000
"""Ticks further apart than this, or than a third of a lease, mean that the server was away: stopped, asleep, or unable to write.

A third, because a worker sends a heartbeat that often: one that is kept waiting for less still renews in time.
"""
_TICK: Final = "reaper_tick"
_FLOOR: Final = "reaper_floor"


def tick(conn: Connection, now: int, lease_us: int) -> bool:
    """Notes that the server is there at `now`; whether the reaper may work. After a gap it has to wait for a whole lease."""
    last = _number(conn, _TICK)
    write_fact(conn, _TICK, str(now))
    if last is None or now - last > min(GAP_US, lease_us // 3) or now < last:
        raise_floor(conn, now, lease_us)
    floor = _number(conn, _FLOOR)
    return floor is not None and now >= floor


def raise_floor(conn: Connection, now: int, lease_us: int) -> None:
    """Nothing is reaped for a whole lease from now."""
    write_fact(conn, _FLOOR, str(now + lease_us))


def _number(conn: Connection, key: str) -> int | None:
    value = read_fact(conn, key)
    return int(value) if value is not None else None
