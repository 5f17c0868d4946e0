"""SIGTERM in a script whose flows are told of: the flow's code is interrupted, so that its run ends Crashed, its hooks are called and the
API hears of it at once. Then the process dies of the signal, as it would have.

Only where nobody else has a say: in the main thread, and in place of the default action. A handler of the script's own wins, whether it was
there before or is set meanwhile. A second SIGTERM ends the process on the spot. A process that the flow forks dies of its own as it would
without us.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from flowhand.adhoc.cancelling import uncancel
from flowhand.sdk.attempt import Attempt
from flowhand.sdk.interrupts import RunStopped
from flowhand.sdk.verdict import state_of_error


class Termination:
    """As one run sees it. To be called where the run is executed, but for `conclude`, which may be called in any thread."""

    def __init__(self) -> None:
        self.armed = False
        """Whether there is something to interrupt: a try, or the pause before the next one."""
        self.task: asyncio.Task[Any] | None = None
        """Of an async flow."""

    def arm(self, attempt: Attempt) -> None:
        """A try begins, here."""
        if self in _process.runs or _process.takes(self):
            self.task = asyncio.current_task() if attempt.what.is_async else None
            self.armed = True

    def pause(self) -> None:
        """The try has failed, and another one follows later."""
        self.armed = self in _process.runs

    def disarm(self, attempt: Attempt) -> None:
        """The flow's code was left, or the pause. What was interrupted on a loop was stopped, not cancelled."""
        if self.armed and _process.struck and self.task is not None and isinstance(attempt.error, asyncio.CancelledError):
            uncancel()
            attempt.error = RunStopped(None)
            attempt.enter_state(state_of_error(attempt.error))
        self.armed = False

    def over(self) -> None:
        """The run is in its last state, or is not executed after all."""
        if self in _process.runs:
            _process.lets_go(self)

    def conclude(self, leave: Callable[[], None]) -> None:
        """All that the run told is stored, or the API is away. If SIGTERM has come and no run is left around this one, does not return:
        `leave` tells what there is to be told of others, and the process dies."""
        if _process.struck:
            _process.conclude(leave)


class _Process:
    """What has come to this process."""

    def __init__(self) -> None:
        self.runs: list[Termination] = []
        """Under way in the main thread, the innermost last."""
        self.struck = False
        self._kept = False
        """It came where nothing was to be interrupted, and is raised again for the run around."""
        self._forks = False
        """Whether we are told of forks."""
        self._mask: set[Any] | None = None

    def takes(self, run: Termination) -> bool:
        """Whether SIGTERM is ours to hear while that run is under way."""
        if threading.current_thread() is not threading.main_thread():
            return False
        handler = signal.getsignal(signal.SIGTERM)
        if handler is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._arrived)
            self._heed_forks()
        elif handler != self._arrived:
            return False
        self.runs.append(run)
        return True

    def lets_go(self, run: Termination) -> None:
        """With the last one the default action is back."""
        self.runs.remove(run)
        if not self.runs and signal.getsignal(signal.SIGTERM) == self._arrived:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def conclude(self, leave: Callable[[], None]) -> None:
        """A run has ended and is told, after SIGTERM."""
        if self.runs and not self._kept:
            return  # what interrupted it goes on to the run around
        if self.runs:
            self.struck = False
        else:
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError, ValueError, AttributeError):
                    stream.flush()
            leave()
        os.kill(os.getpid(), signal.SIGTERM)

    def _arrived(self, number: int, _frame: FrameType | None) -> None:
        if self.struck:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        self.struck = True
        innermost = self.runs[-1]
        self._kept = not innermost.armed
        if self._kept:
            return
        if innermost.task is None:
            raise RunStopped(None)
        for task in {run.task: None for run in self.runs if run.task is not None}:
            task.get_loop().call_soon_threadsafe(task.cancel)

    # --- forks: a signal that comes before the handler is gone would be forgotten, for Python drops what is pending in a new process

    def _heed_forks(self) -> None:
        if not self._forks:
            os.register_at_fork(before=self._before_fork, after_in_parent=self._after_fork, after_in_child=self._in_child)
            self._forks = True

    def _before_fork(self) -> None:
        if self.runs:
            self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def _after_fork(self) -> None:
        mask, self._mask = self._mask, None
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _in_child(self) -> None:
        self.runs, self.struck, self._kept = [], False, False
        if signal.getsignal(signal.SIGTERM) == self._arrived:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._after_fork()


_process: Final = _Process()
