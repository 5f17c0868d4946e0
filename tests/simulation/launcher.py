"""The Launcher port on a simulated keeper, for one daemon: small delays on the socket, and a door that closes when the daemon dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, TypeVar

from flowhand.errors import LaunchError
from flowhand.execution.launcher import Channel, Event, Exited, Held, Progress, Started, StopReason, Vanished
from flowhand.execution.news import News
from flowhand.wire.job import Job

from .keeper import SimKeeper
from .loop import Process
from .world import World

T = TypeVar("T")


class SimLauncher:
    """One daemon's side of the keeper's socket."""

    def __init__(self, world: World, host: Process, keeper: SimKeeper) -> None:
        self._world = world
        self._host = host
        self._keeper = keeper
        self._news: News[Vanished] = News()
        self._there = 0.0
        self._back = 0.0

    async def open(self) -> list[Held]:
        """See the port."""
        self._keeper.ear = self
        held = await self._ask(self._keeper.held)
        gone = sorted(self._keeper.lost)
        if gone:
            self._news.add(Vanished(gone, "their keeper was killed while no daemon was there"))
        return held

    async def start(self, job: Job, kill_at: float | None = None) -> Started:
        """See the port."""
        return await self._ask(lambda: self._keeper.start(job, kill_at))

    async def extend(self, kill_at: Mapping[str, float | None]) -> None:
        """See the port."""
        await self._ask(lambda: self._keeper.extend(kill_at))

    async def stop(self, key: str, reason: StopReason, grace_s: float) -> None:
        """See the port."""
        await self._ask(lambda: self._keeper.stop(key, reason, grace_s))

    async def read(self, key: str, channel: Channel, offset: int, limit: int) -> bytes:
        """See the port."""
        files = self._keeper.file(key)
        return b"" if files is None else bytes(getattr(files, channel.value)[offset : offset + limit])

    def unbegun(self, key: str) -> bool:
        """See the port."""
        return key in self._keeper.permits

    async def forget(self, key: str) -> None:
        """See the port."""
        await self._ask(lambda: self._keeper.forget(key))

    async def events(self) -> AsyncIterator[Event]:
        """See the port."""
        while True:
            growth, rest = await self._news.take()
            for key, sizes in growth.items():
                yield Progress(key, sizes)
            for event in rest:
                yield event

    async def close(self, *, dismiss: bool) -> None:
        """See the port."""
        self.died()

    def died(self) -> None:
        """The daemon is gone: the keeper has nobody to tell."""
        if self._keeper.ear is self:
            self._keeper.ear = None

    def hear(self, event: Event) -> None:
        """News from the keeper, a moment later."""
        self._send_back(self._take, event)

    def _take(self, event: Event) -> None:
        if isinstance(event, Progress):
            self._news.grown(event.key, event.sizes)
        elif isinstance(event, Exited):
            self._news.ended(event)
        else:
            self._news.add(event)

    async def _ask(self, what: Callable[[], T]) -> T:
        answered: asyncio.Future[Any] = self._world.loop.create_future()

        def serve() -> None:
            try:
                outcome = what()
            except LaunchError as error:
                self._send_back(_unless_done, answered.set_exception, answered, error)
            else:
                self._send_back(_unless_done, answered.set_result, answered, outcome)

        self._there = self._after(self._there)
        self._host.call_later(self._there - self._world.now(), serve)
        return await answered

    def _send_back(self, call: Callable[..., object], *args: object) -> None:
        self._back = self._after(self._back)
        self._host.call_later(self._back - self._world.now(), call, *args)

    def _after(self, last: float) -> float:
        """When the next message arrives: a socket keeps the order."""
        return max(last + 1e-6, self._world.now() + self._world.random.uniform(0.0001, 0.002))


def _unless_done(settle: Callable[[Any], object], answered: asyncio.Future[Any], outcome: object) -> None:
    if not answered.done():
        settle(outcome)
