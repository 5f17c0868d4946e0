"""The keys that open this server, at hand without asking the database for each request."""

from __future__ import annotations

import asyncio
from typing import Final

from flowhand.clock import Clock
from flowhand_server.store.api_keys import StoredKey, mark_used, public_part, standing_keys
from flowhand_server.store.store import Store

from .principal import Principal
from .scopes import Scope

FRESH_S: Final = 2.0
"""How old what is at hand may be: the longest that a revoked key is still let in, on every replica."""
USE_NOTED_EVERY_US: Final = 60_000_000
"""A key's use is noted once a minute: it is asked for to find forgotten keys, not to count requests."""


class KeyRing:
    """Keys by their public part."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._keys: dict[str, StoredKey] = {}
        self._loaded: float | None = None
        self._loading = asyncio.Lock()
        self._used: dict[str, int] = {}

    async def find(self, token: str) -> Principal | None:
        """Whose key this is; None for none that opens. StoreUnavailable when that cannot be known."""
        public = public_part(token)
        if public is None:
            return None
        if self._stale():
            await self._load()
        key, now = self._keys.get(public), self._clock.now_us()
        if key is None or not key.opens(token, now):
            return None
        await self._note(key, now)
        return Principal(f"key {key.name}", frozenset(Scope(scope) for scope in key.scopes))

    def _stale(self) -> bool:
        return self._loaded is None or self._clock.monotonic() - self._loaded >= FRESH_S

    async def _load(self) -> None:
        async with self._loading:
            if not self._stale():
                return
            asked = self._clock.monotonic()
            self._keys = await self._store.read(standing_keys, self._clock.now_us())
            self._used = {key.id: max(self._used.get(key.id, 0), key.last_used or 0) for key in self._keys.values()}
            self._loaded = asked

    async def _note(self, key: StoredKey, now: int) -> None:
        if now - self._used.get(key.id, 0) < USE_NOTED_EVERY_US:
            return
        self._used[key.id] = now
        await self._store.write(mark_used, key.id, now)
