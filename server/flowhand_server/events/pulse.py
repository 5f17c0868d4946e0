"""A pulse: lets any number of tasks wait for the store's next notice of some topic."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from flowhand_server.store.notices import Notice, Topic


class Pulse:
    """Beats with every commit that posted a notice of one of its topics."""

    def __init__(self, *topics: Topic) -> None:
        self._topics = frozenset(topics)
        self._beat = asyncio.Event()
        self.beats = 0
        """How many there were. Who reads this before a look misses nothing that comes while it looks."""

    def notice(self, notices: Sequence[Notice]) -> None:
        """A listener for the store."""
        if any(notice.topic in self._topics for notice in notices):
            self.beats += 1
            self._beat.set()
            self._beat = asyncio.Event()

    async def wait(self, after: int, at_most_s: float) -> None:
        """Until there were more than `after` beats, or for so many seconds."""
        if self.beats > after:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._beat.wait(), at_most_s)
