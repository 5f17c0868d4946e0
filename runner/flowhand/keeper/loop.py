"""The keeper's one loop: descriptors by epoll, times by CLOCK_BOOTTIME. Nothing here knows what it is for."""

from __future__ import annotations

import heapq
import itertools
import select
import time
from collections.abc import Callable
from typing import Final

READABLE: Final = select.EPOLLIN
WRITABLE: Final = select.EPOLLOUT

LONGEST_WAIT: Final = 5.0
"""Seconds. Epoll's clock stands still while the host is suspended, CLOCK_BOOTTIME does not: a deadline that passed in a suspension is seen
this late at most after the host has woken."""


def now() -> float:
    """CLOCK_BOOTTIME seconds: the same in every process of one boot, suspension included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Timer:
    """One call to come. `cancel` is idempotent."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[[], None]) -> None:
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        self.call = None


class Loop:
    """Level-triggered: a handler may leave bytes unread and must bear being called with nothing to read."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Callable[[int], None]] = {}
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()

    def watch(self, fd: int, handler: Callable[[int], None], events: int = READABLE) -> None:
        """Calls `handler(events)` whenever `fd` is ready, until `unwatch`. Watching it again changes what it is watched for."""
        if fd in self._handlers:
            self._epoll.modify(fd, events)
        else:
            self._epoll.register(fd, events)
        self._handlers[fd] = handler

    def unwatch(self, fd: int) -> None:
        """Idempotent. Comes before `close`: a child just forked may still hold a copy, which would keep epoll interested."""
        if self._handlers.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def at(self, when: float, call: Callable[[], None]) -> Timer:
        """Calls `call()` once, at or soon after the CLOCK_BOOTTIME second `when`."""
        timer = Timer(call)
        heapq.heappush(self._timers, (when, next(self._order), timer))
        return timer

    def turn(self) -> None:
        """Waits for the next descriptor or timer and handles what is due."""
        for fd, events in self._epoll.poll(self._timeout()):
            handler = self._handlers.get(fd)
            if handler is not None:
                handler(events)
        self._ring_timers()

    def _timeout(self) -> float:
        timers = self._timers
        while timers and timers[0][2].call is None:
            heapq.heappop(timers)
        if not timers:
            return -1
        return min(max(0.0, timers[0][0] - now()), LONGEST_WAIT)

    def _ring_timers(self) -> None:
        timers = self._timers
        if not timers:
            return
        moment = now()
        while timers and timers[0][0] <= moment:
            call = heapq.heappop(timers)[2].call
            if call is not None:
                call()
