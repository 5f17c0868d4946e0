"""SIGTERM in a run's process: the reason is read from the channel, and the flow's code is interrupted so that its `finally` blocks run."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

from flowhand.child import nudges
from flowhand.child.channel import Channel
from flowhand.child.forks import Forks
from flowhand.child.insistence import Insistence
from flowhand.sdk.interrupts import RunStopped


class Stop:
    """Whether this process was told to stop, and why. One a process; its handler runs in the main thread."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._cancel: Callable[[], object] | None = None
        self._over = False
        self._insistence = Insistence()
        self.reason: RunStopped | None = None

    def listen(self) -> None:
        """From now on SIGTERM stops the flow's code."""
        signal.signal(signal.SIGTERM, self._arrived)
        Forks(self._arrived)
        nudges.listen()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def over(self) -> None:
        """The run's end is decided: a stop that comes now changes nothing about it."""
        self._over = True
        self._insistence.over()

    def deaf(self) -> None:
        """From now on SIGTERM ends the process: there is nothing left that could be tidied."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def cancels(self, loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any]) -> None:
        """While a loop runs, a stop cancels this task: an exception raised in the loop's own code would break it."""
        self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)

    def raises(self) -> None:
        """The loop has ended: a stop raises again."""
        self._cancel = None

    def latest(self) -> RunStopped | None:
        """Why, if it was told to: since the first word the keeper may have said that the run is cancelled, which wins."""
        why = self._channel.stopped_for()
        if self.reason is not None and why not in (None, self.reason.why):
            self.reason = RunStopped(why).with_traceback(self.reason.__traceback__)
        return self.reason

    def _arrived(self, _number: int, _frame: FrameType | None) -> None:
        if self._insistence.follows() and self.reason is not None and not self._over:
            self._insistence.stop(self.reason)
        if self._over or self.reason is not None:
            return  # nothing is left to stop, or the first one is being obeyed
        self.reason = RunStopped(self._channel.stopped_for())
        if self._cancel is not None:
            self._cancel()
        else:
            self._insistence.stop(self.reason)
