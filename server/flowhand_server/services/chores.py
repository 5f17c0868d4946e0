"""Small work that is due now and then. One look for all of it: an idle server wakes its database once, not once for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from flowhand.clock import Clock
from flowhand_server.store.errors import StoreUnavailable
from flowhand_server.store.store import Store

from .service import BETWEEN_CHUNKS_S, CHUNK, leads

EVERY_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Chore:
    """One transaction, done whenever a look that only reads says that there is something to do."""

    name: str
    due: Callable[[Connection, int], bool]
    work: Callable[[Connection, int], int]
    """Does at most `CHUNK` things and says how many."""

    def led(self, conn: Connection, now: int) -> int:
        """Its work, unless another replica is at it."""
        return self.work(conn, now) if leads(conn, self.name) else 0


class Chores:
    """The service that does them."""

    name = "chores"

    def __init__(self, store: Store, clock: Clock, chores: Sequence[Chore]) -> None:
        self._store = store
        self._clock = clock
        self._chores = chores

    async def round(self) -> float:
        """One look, and a chunk of work for each chore that needs it. Those that fail are raised when the others have been done."""
        now, most, troubles = self._clock.now_us(), 0, dict[str, Exception]()
        for chore in await self._due(now, troubles):
            try:
                most = max(most, await self._store.write(chore.led, self._clock.now_us()))
            except Exception as error:  # noqa: BLE001 - one chore's trouble is not another's
                troubles[chore.name] = error
        if troubles:
            raise _together(troubles)
        return BETWEEN_CHUNKS_S if most >= CHUNK else EVERY_S

    async def _due(self, now: int, troubles: dict[str, Exception]) -> list[Chore]:
        try:
            return await self._store.read(lambda conn: [chore for chore in self._chores if chore.due(conn, now)])
        except Exception:  # noqa: BLE001 - of which of them is found out below, and told
            return [chore for chore in self._chores if await self._is_due(chore, now, troubles)]

    async def _is_due(self, chore: Chore, now: int, troubles: dict[str, Exception]) -> bool:
        try:
            return await self._store.read(chore.due, now)
        except Exception as error:  # noqa: BLE001 - one chore's trouble is not another's
            troubles[chore.name] = error
            return False


def _together(troubles: dict[str, Exception]) -> Exception:
    outages = [error for error in troubles.values() if isinstance(error, StoreUnavailable)]
    return outages[0] if len(outages) == len(troubles) else ExceptionGroup(f"in {', '.join(troubles)}", list(troubles.values()))
