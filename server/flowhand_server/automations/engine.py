"""The engine: a service that has events looked at as they are stored, windows judged as they end, figures now and then, actions done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from flowhand.clock import Clock
from flowhand_server.automations import evaluating, figures, outside, performing
from flowhand_server.automations.rulebook import Rulebook
from flowhand_server.store.announcing import announce_states
from flowhand_server.store.notices import Notice
from flowhand_server.store.store import Store
from flowhand_server.vault import Vault

LOOK_S: Final = {"postgresql": 5.0, "sqlite": 30.0}
"""How often is looked without having been woken: another replica's notice may be lost, its calls may be left undone."""
SETTLE_S: Final = 10.0
"""After a start, how long events that could not be told meanwhile have before their absence is judged."""
GATHER_S: Final = 0.005
"""How long states are gathered: a claim enters those of many runs."""
AT_ONCE: Final = 20
"""Transactions of one kind in a row; then it is the others' turn, however many events come."""
CALLERS: Final = 4
"""Calls to somebody outside at once."""
_EVENTS: Final = frozenset({"event", "config"})
_STATES: Final = frozenset({"run", "due"})


def react(conn: Connection, rulebook: Rulebook, now: int) -> int:
    """Looks at the next events and does, in the same transaction, what they lead to; how many events. Called until it says 0.

    States that have no event yet are given theirs first, rather than waited for: the feed, whose work that is, gathers them at leisure.
    """
    announce_states(conn, now)
    looked = evaluating.evaluate(conn, rulebook, now)
    if looked:
        performing.perform(conn, now)
    return looked


@dataclass(frozen=True, slots=True)
class _Look:
    """What a round has to do."""

    pending: bool
    waiting: bool
    calls: bool


class Engine:
    """A `Service`. Everything is for the event loop's own thread, but the rulebook, which one transaction at a time has."""

    name = "automations"

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._woken = asyncio.Event()
        self._states = False
        self._wait_s = 0.0
        self._rulebook = Rulebook()
        self._opened = 0
        self._judges_from = clock.monotonic() + SETTLE_S
        self._figures_at = 0.0
        self.calls_wait = asyncio.Event()
        """Set when an action may have to call somebody; for the callers."""

    def notice(self, notices: Sequence[Notice]) -> None:
        """A listener for the store: events were stored, a run has a new state, or everything may have changed."""
        if self._rulebook and any(notice.topic in _STATES for notice in notices):
            self._states = True
            self._woken.set()
        elif any(notice.topic in _EVENTS and not notice.served for notice in notices):
            self._woken.set()

    async def round(self) -> float:
        """One look at everything, as soon as there may be something to see."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), self._wait_s)
        if self._states:
            await asyncio.sleep(GATHER_S)
        self._woken.clear()
        look = await self._store.read(self._look, self._clock.now_us())
        reacts = look.pending or self._states
        self._states = False
        if reacts:
            await self._repeat(react, self._rulebook)
        self._wait_s = LOOK_S[self._store.kind]
        await self._watch_windows()
        await self._watch_figures()
        if reacts or look.waiting:
            await self._repeat(performing.perform)
        if look.calls or (reacts and await self._store.read(outside.any_waits, self._clock.now_us())):
            self.calls_wait.set()
        return 0.0

    def _look(self, conn: Connection, now: int) -> _Look:
        """Takes no write lock, so that an idle server writes nothing."""
        self._rulebook.refresh(conn)
        return _Look(evaluating.any_pending(conn), performing.any_waits(conn), outside.any_waits(conn, now))

    async def _repeat(self, work: Callable[..., int], *args: Any) -> None:
        for _ in range(AT_ONCE):
            if not await self._store.write(work, *args, self._clock.now_us()):
                return
        self._woken.set()

    async def _watch_windows(self) -> None:
        """Opens what is to be open, judges what has ended; and when to come again for it."""
        if not self._rulebook.judges_absence:
            return
        if self._opened != self._rulebook.version:
            await self._store.write(evaluating.open_windows, self._rulebook, self._clock.now_us())
            self._opened = self._rulebook.version
        ends = await self._store.read(evaluating.next_end)
        if ends is None:
            return
        left = max((ends - self._clock.now_us()) / 1e6, self._judges_from - self._clock.monotonic())
        if left <= 0:
            await self._repeat(evaluating.end_windows, self._rulebook)
            self._woken.set()
        self._wait_s = max(0.0, min(self._wait_s, left))

    async def _watch_figures(self) -> None:
        if not self._rulebook.metrics():
            return
        if self._clock.monotonic() >= self._figures_at:
            self._figures_at = self._clock.monotonic() + figures.EVERY_S
            now = self._clock.now_us()
            measured = await self._store.read(figures.measure, self._rulebook, now)
            if measured:
                await self._store.write(figures.judge, self._rulebook, measured, now)
        self._wait_s = max(0.0, min(self._wait_s, self._figures_at - self._clock.monotonic()))


class Caller:
    """A `Service` that makes the calls of actions, one at a time."""

    def __init__(self, number: int, engine: Engine, store: Store, vault: Vault, clock: Clock) -> None:
        self.name = f"automation caller {number}"
        self._engine = engine
        self._store = store
        self._vault = vault
        self._clock = clock

    async def round(self) -> float:
        """Makes the calls that wait, as soon as there are some."""
        await self._engine.calls_wait.wait()
        self._engine.calls_wait.clear()
        while await outside.call_next(self._store, self._vault, self._clock.now_us):
            pass
        return 0.0
