"""The one contract of all services: what is done again and again beside the requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from sqlalchemy import Connection

from flowhand.clock import Clock
from flowhand_server.store.store import Store

CHUNK: Final = 200
"""How much one transaction of a service does at most, so that nobody waits long behind it."""
BETWEEN_CHUNKS_S: Final = 0.02


class Service(Protocol):
    """Work that is done in rounds. `Crew` starts, supervises and stops it."""

    @property
    def name(self) -> str:
        """What it is called in the log."""
        ...

    async def round(self) -> float:
        """Does what there is to do, and returns how many seconds later to come again.

        Interrupting it loses nothing: each piece of work is one transaction. What it raises is logged, and it is tried again.
        """
        ...


@dataclass(slots=True)
class Rounds:
    """A service that is one transaction, done whenever a look that only reads says that there is something to do."""

    name: str
    store: Store
    clock: Clock
    every_s: float
    due: Callable[[Connection, int], bool]
    work: Callable[[Connection, int], int]
    """Does at most `CHUNK` things and says how many."""

    async def round(self) -> float:
        """One look, and one chunk of work when that is needed."""
        if not await self.store.read(self.due, self.clock.now_us()):
            return self.every_s
        done = await self.store.write(self._led, self.clock.now_us())
        return BETWEEN_CHUNKS_S if done >= CHUNK else self.every_s

    def _led(self, conn: Connection, now: int) -> int:
        return self.work(conn, now) if leads(conn, self.name) else 0


def leads(conn: Connection, name: str) -> bool:
    """Whether this transaction is the one that does the work of the service: among replicas one, until it is committed."""
    if conn.dialect.name != "postgresql":
        return True
    return bool(conn.exec_driver_sql("SELECT pg_try_advisory_xact_lock(hashtext(%s))", (f"flowhand {name}",)).scalar())
