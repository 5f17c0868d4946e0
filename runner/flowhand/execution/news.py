"""News of attempts between those who hear and the one who reads: per key in order, doorbells of one key as one. Bounded by the attempts."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

from flowhand.execution.launcher import Exited, Sizes

E = TypeVar("E")


class News(Generic[E]):
    """Made in and for one event loop. Whatever is neither a doorbell nor an exit is handed on as it is."""

    def __init__(self) -> None:
        self._growth: dict[str, Sizes] = {}
        self._rest: deque[Exited | E] = deque()
        self._there = asyncio.Event()

    def grown(self, key: str, sizes: Sizes) -> None:
        self._growth[key] = sizes
        self._there.set()

    def ended(self, exited: Exited) -> None:
        """Takes the place of the key's unread doorbell."""
        self._growth.pop(exited.key, None)
        self._rest.append(exited)
        self._there.set()

    def add(self, other: E) -> None:
        self._rest.append(other)
        self._there.set()

    async def take(self) -> tuple[dict[str, Sizes], list[Exited | E]]:
        """Waits for news and takes all of it."""
        await self._there.wait()
        self._there.clear()
        growth, self._growth = self._growth, {}
        rest = list(self._rest)
        self._rest.clear()
        return growth, rest
