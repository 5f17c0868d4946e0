"""Between the time and the leases: after a jump of this server's clock the doubt is stored before anything that was told by the new time.

Without it another replica, whose clock is right, could look between the two and reap what was never lost.
"""

from __future__ import annotations

from typing import Literal

from flowhand.clock import WatchedClock
from flowhand_server.store.notices import Listener
from flowhand_server.store.store import Follow, P, Store, T, Transaction

from .floor import doubt


class JumpGuard:
    """The store, for those who write leases: they read the clock first, then write."""

    def __init__(self, store: Store, clock: WatchedClock) -> None:
        self.kind: Literal["sqlite", "postgresql"] = store.kind
        self._store = store
        self._clock = clock

    async def write(self, transaction: Transaction[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """See `Store`."""
        jumps = self._clock.jumps
        if jumps > self._clock.settled:
            await self._store.write(doubt)
            self._clock.settled = max(self._clock.settled, jumps)
        return await self._store.write(transaction, *args, **kwargs)

    async def read(self, transaction: Transaction[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """See `Store`."""
        return await self._store.read(transaction, *args, **kwargs)

    def listen(self, listener: Listener) -> None:
        """See `Store`."""
        self._store.listen(listener)

    def follow(self, follow: Follow) -> None:
        """See `Store`. What follows is not guarded: only a store of one server has a commit to share."""
        self._store.follow(follow)

    async def close(self) -> None:
        """See `Store`."""
        await self._store.close()
