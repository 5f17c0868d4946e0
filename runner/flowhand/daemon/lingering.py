"""Processes that have said how their run ended and do not leave: threads that do not end, exit functions that hang.

Their runs hold a slot, and their end is not told before they have left. So they have as long as a stop gives, and are killed then.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import anyio

from flowhand.clock import Clock
from flowhand.daemon.notes import WARNING
from flowhand.daemon.registry import Registry
from flowhand.daemon.run import Run
from flowhand.execution.launcher import StopReason

LOOKS: Final = 4
"""How often one is looked at within its time."""
LEAST_S: Final = 0.25
"""Between two looks, however short the grace is."""


class Lingering:
    """Of one daemon. `stop` and `note` are the lifecycle's; `grace_s`: seconds from the last word to the kill, or a fourth more."""

    def __init__(
        self,
        registry: Registry,
        clock: Clock,
        stop: Callable[[Run, StopReason, float], Awaitable[None]],
        note: Callable[[Run, str, int], None],
        grace_s: float,
    ) -> None:
        self._registry = registry
        self._clock = clock
        self._stop = stop
        self._note = note
        self._grace_s = grace_s
        self._since: dict[Run, float] = {}

    async def run(self) -> None:
        """The loop; ends by cancellation."""
        while True:
            await anyio.sleep(max(self._grace_s / LOOKS, LEAST_S))
            await self.look()

    async def look(self) -> None:
        """Stops those that have been seen for too long."""
        now = self._clock.monotonic()
        self._since = {run: self._since.get(run, now) for run in self._registry if _lingers(run)}
        for run, since in list(self._since.items()):
            if now - since >= self._grace_s:
                words = f"Its process has not left {self._grace_s:g} s after its last word (a thread that does not end?) and is killed"
                self._note(run, words, WARNING)
                self._since[run] = now  # in case that the keeper does not hear it
                await self._stop(run, StopReason.LINGER, 0.0)


def _lingers(run: Run) -> bool:
    return run.word is not None and not run.ended and run.stopping is None
