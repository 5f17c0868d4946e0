"""The index of names is kept: the tail becomes segments, and segments are rid of runs that are gone."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from flowhand.clock import Clock
from flowhand_server.store.name_again import is_due, note_again
from flowhand_server.store.name_segments import Batch, Seen, look_through, merged, store_batch, tail_batch
from flowhand_server.store.store import Store

from .service import BETWEEN_CHUNKS_S, leads

EVERY_S: Final = 10.0
ROUNDS_BETWEEN_LOOKS: Final = 6
"""Rounds in which there was nothing to store, before another segment is looked through."""
BETWEEN_LOOKS_S: Final = 1.0


class Namer:
    """Keeps the index. What a segment is made of is read and put together beside the writer, which is given the rows to store."""

    name = "namer"

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._quiet = 0
        self._looked_at = 0
        self._sparse: Seen | None = None

    async def round(self) -> float:
        """One segment; the next follows soon while there is more."""
        batch, again = await self._store.read(_to_do, self._clock.now_us())
        if again:
            await self._store.write(_note_again, self._clock.now_us())
        if batch is not None:  # where it is not stored another replica is at it, or was sooner
            return BETWEEN_CHUNKS_S if await self._store.write(put, batch) else EVERY_S
        self._quiet += 1
        if self._quiet < ROUNDS_BETWEEN_LOOKS:
            return EVERY_S
        if await self.look():  # where one is gone there are more
            return BETWEEN_LOOKS_S
        self._quiet = 0
        return EVERY_S

    async def look(self) -> bool:
        """Looks through the next segment. What is left of two of which most is gone becomes one. Whether most of this one is gone."""
        seen = await self._store.read(look_through, self._looked_at)
        self._looked_at = seen.number if seen is not None else 0
        if seen is None or not seen.sparse:
            return False
        if not seen.left:
            await self._store.write(put, merged(seen))
        elif self._sparse is None or self._sparse.number == seen.number:
            self._sparse = seen
        else:
            await self._store.write(put, merged(self._sparse, seen))
            self._sparse = None
        return True


def put(conn: Connection, batch: Batch) -> bool:
    """Stores a batch; whether it did. Another replica may be at it, or have done it."""
    return leads(conn, "namer") and store_batch(conn, batch)


def _to_do(conn: Connection, now: int) -> tuple[Batch | None, bool]:
    return tail_batch(conn), is_due(conn, now)


def _note_again(conn: Connection, now: int) -> None:
    if leads(conn, "namer"):
        note_again(conn, now)
