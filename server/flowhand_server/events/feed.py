"""The feed: events as they happen, handed to whoever listens.

One loop for the whole process. It is woken by notices of commits, has the states announced that have no event yet, reads the events behind
its cursor once, and hands each to those who asked for it. The first of a burst is looked at soon, what follows is gathered in batches.
A listener that does not keep up is dropped, and told so: it connects again and has what it missed from the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from flowhand.clock import Clock
from flowhand.wire.events import EventFilter
from flowhand_server.events.matching import matches
from flowhand_server.store import announcing, events
from flowhand_server.store.notices import Notice
from flowhand_server.store.store import Store

GATHER_S: Final = 0.05
"""How long is gathered from one look to the next, at most: the more came of the last one, the longer."""
LEAST_S: Final = 0.005
"""How long is gathered in any case, and so much longer for each state of the last look."""
LOOK_S: Final = 5.0
"""How often the feed looks without having been woken: another replica's notice may be lost."""
BACKLOG: Final = 1000
"""Events that may wait for one listener."""
SLACK: Final = 200
"""Cursors below the newest that are read again: on PostgreSQL a number may be handed out before another and committed after it."""


_STATES: Final = frozenset({"run", "due"})


class Listener:
    """One who listens. `next` gives the events that fit, in the order they were stored; None when it did not keep up."""

    def __init__(self, wanted: EventFilter) -> None:
        self.wanted = wanted
        self._waiting: asyncio.Queue[Mapping[str, Any] | None] = asyncio.Queue()
        self._dropped = False

    async def next(self) -> Mapping[str, Any] | None:
        """The next event. Cancellable."""
        return await self._waiting.get()

    def offer(self, event: Mapping[str, Any]) -> None:
        """Has the listener be given an event, if it fits."""
        if self._dropped or not matches(self.wanted, event):
            return
        if self._waiting.qsize() >= BACKLOG:
            self._dropped = True
            self._waiting.put_nowait(None)
        else:
            self._waiting.put_nowait(event)


class Feed:
    """Announces and hands on: a `Service`. Everything is for the event loop's own thread."""

    name = "events"

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._woken = asyncio.Event()
        self._states_waiting = True
        self._next_look = 0.0
        self._listeners: set[Listener] = set()
        self._cursor = 0
        self._told: dict[int, None] = {}
        self._slack = SLACK if store.kind == "postgresql" else 0

    def notice(self, notices: Sequence[Notice]) -> None:
        """A listener for the store: a run has a new state, or events were stored."""
        topics = {notice.topic for notice in notices}
        if topics & _STATES:
            self._states_waiting = True
            self._woken.set()
        elif "event" in topics and self._listeners:
            self._woken.set()

    async def listen(self, wanted: EventFilter) -> Listener:
        """Begins to gather what fits and is stored from now on; ends with `leave`."""
        if not self._listeners:
            self._cursor = await self._store.read(events.newest)
            self._told = dict.fromkeys(range(self._cursor - self._slack, self._cursor + 1)) if self._slack else {}
        listener = Listener(wanted)
        self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Ends what `listen` began. Idempotent."""
        self._listeners.discard(listener)

    async def round(self) -> float:
        """One look, as soon as there is something to see."""
        try:
            await asyncio.wait_for(self._woken.wait(), LOOK_S)
            await asyncio.sleep(max(LEAST_S, self._next_look - self._clock.monotonic()))
        except TimeoutError:
            self._states_waiting = True
        self._woken.clear()
        begun, announced = self._clock.monotonic(), 0
        if self._states_waiting:
            self._states_waiting = False
            announced = await self._announce()
        self._next_look = begun + min(GATHER_S, LEAST_S * (1 + announced))
        if self._listeners:
            await self._hand_on()
        return 0.0

    async def _announce(self) -> int:
        announced = 0
        while True:
            some = await self._store.write(announcing.announce_states, self._clock.now_us())
            announced += some
            if some < announcing.BATCH:
                return announced

    async def _hand_on(self) -> None:
        position = self._cursor - self._slack
        while found := await self._store.read(events.behind, position):
            for cursor, event in found:
                self._tell(cursor, event)
            position = found[-1][0]
            self._cursor = max(self._cursor, position)

    def _tell(self, cursor: int, event: Mapping[str, Any]) -> None:
        if cursor in self._told:
            return
        if self._slack:
            self._told[cursor] = None
            if len(self._told) > 4 * SLACK:
                self._told = dict.fromkeys(sorted(self._told)[-2 * SLACK :])
        for listener in list(self._listeners):
            listener.offer(event)
