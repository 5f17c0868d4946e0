"""The floor under the reaper: the time before which nothing may be reaped. Two rows of `meta`, shared by replicas.

Leases are times of a wall clock. Where one has jumped, leases of before and after cannot be compared: that is a doubt, and whoever ticks
next raises the floor, by a clock of its own. A doubt is written before the first lease that was written by the new time
(`jump_guard`), so that no replica sees the one without the other.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, or_, select, update

from flowhand_server.store.facts import write_fact
from flowhand_server.store.prepared import Prepared
from flowhand_server.store.tables import meta

GAP_US: Final = 10_000_000
"""Ticks further apart than this, or than a third of a lease, mean that the server was away (stopped, asleep, or unable to write), or that
another has a clock of its own.

A third, because a worker sends a heartbeat that often: one that is kept waiting for less still renews in time.
"""
_TICK: Final = "reaper_tick"
_FLOOR: Final = "reaper_floor"
_DOUBT: Final = ""
_BOTH: Final = Prepared(select(meta.c.key, meta.c.value).where(or_(meta.c.key == bindparam("tick"), meta.c.key == bindparam("floor"))))
_LAST: Final = select(meta.c.value).where(meta.c.key == _TICK)
_FORGET: Final = update(meta).where(meta.c.key == _TICK).values(value=_DOUBT)


def doubt(conn: Connection) -> None:
    """A clock has jumped. Idempotent; waits for a transaction that is `alone`."""
    conn.execute(_FORGET)


def alone(conn: Connection) -> None:
    """Until this transaction is over, nobody else can tick or doubt. SQLite has one writer anyway."""
    if conn.dialect.name == "postgresql":
        conn.execute(_LAST.with_for_update())


def tick(conn: Connection, now: int, lease_us: int) -> bool:
    """Notes that the server is there at `now`; whether the reaper may work. After a gap or a doubt it has to wait for a whole lease."""
    known = {row.key: int(row.value) for row in _BOTH.all(conn, tick=_TICK, floor=_FLOOR) if row.value != _DOUBT}
    write_fact(conn, _TICK, str(now))
    last = known.get(_TICK)
    if last is None or abs(now - last) > min(GAP_US, lease_us // 3):
        raise_floor(conn, now, lease_us)
        return False
    floor = known.get(_FLOOR)
    return floor is not None and now >= floor


def raise_floor(conn: Connection, now: int, lease_us: int) -> None:
    """Nothing is reaped for a whole lease from now."""
    write_fact(conn, _FLOOR, str(now + lease_us))
