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

    def notice(self, notices: Sequence[Notice]) -> None:
        """A listener for the store."""
        if any(notice.topic in self._topics for notice in notices):
            self._beat.set()
            self._beat = asyncio.Event()

    async def wait(self, at_most_s: float) -> None:
        """Until the next beat, or for so many seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._beat.wait(), at_most_s)
