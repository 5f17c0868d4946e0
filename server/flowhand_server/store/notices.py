"""What a transaction has to tell once it is committed: wake-ups for waiting claims and watches.

A transaction posts; the store hands the notices of what was committed to its listeners, on SQLite within this process, on PostgreSQL by
NOTIFY to every replica. A notice is a hint: who waits looks again, and looks from time to time without one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import Connection

KEY: Final = "flowhand.notices"

Topic = Literal["due", "freed", "config", "session", "run", "event", "task"]


@dataclass(slots=True)
class Notice:
    """One hint.

    `due`: a run is scheduled in pool `pool`, queue `queue`, of deployment `deployment`, for `at` (microseconds, UTC). `freed`: a slot
    became free of global limit `key`, of `pool`, of `queue` and of `deployment`, of those that are named. `config`: a pool, queue or
    deployment was changed. `session`: there are orders for session `key`. `run`: run `key` has a new state or new log lines. `event`:
    events were stored. `task`: a background task waits.
    """

    topic: Topic
    key: str | None = None
    pool: str | None = None
    queue: str | None = None
    deployment: str | None = None
    at: int = 0
    served: bool = False
    """Somebody has been given what it tells of, within the same commit; of an `event`: there is no automation that has to look at it."""

    @property
    def freed(self) -> frozenset[str]:
        """Of what a slot became free: the ids that a `freed` one names."""
        return frozenset(filter(None, (self.key, self.pool, self.queue, self.deployment)))


Listener = Callable[[Sequence[Notice]], None]


def post(conn: Connection, notice: Notice) -> None:
    """Has `notice` told when the transaction on `conn` is committed."""
    conn.info.setdefault(KEY, []).append(notice)


def config_changed(conn: Connection) -> None:
    """Tells that a pool, queue or deployment was paused, resumed, limited or otherwise changed."""
    post(conn, Notice("config"))


def forget(conn: Connection) -> None:
    """Begins anew, for a transaction that begins on `conn`."""
    conn.info[KEY] = []


def posted(conn: Connection) -> list[Notice]:
    """The notices of the transaction on `conn` so far."""
    return conn.info.setdefault(KEY, [])
