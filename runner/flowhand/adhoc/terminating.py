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
from flowhand.child.forks import Forks
from flowhand.child.insistence import Insistence
from flowhand.sdk.attempt import Attempt
from flowhand.sdk.interrupts import RunStopped
from flowhand.sdk.verdict import state_of_error


class Termination:
    """As one run sees it. To be called where the run is executed, but for `struck` and `conclude`, which may be called in any thread."""

    def __init__(self) -> None:
        self.armed = False
        """Whether there is something to interrupt: a try, or the pause before the next one."""
        self.task: asyncio.Task[Any] | None = None
        """Of an async flow."""

    @property
    def struck(self) -> bool:
        """Whether SIGTERM has come, and this process is about to end."""
        return _process.struck

    def arm(self, attempt: Attempt) -> None:
        """A try begins, here."""
        if self in _process.runs or _process.takes(self):
            self.task = asyncio.current_task() if attempt.what.is_async else None
            self.armed = True
            _process.catches_up()

    def pause(self) -> None:
        """The try has failed, and another one would follow. RunStopped after SIGTERM, also where the flow made it another error."""
        if self in _process.runs:
            _process.allows_another_try()
            self.armed = True

    def disarm(self, attempt: Attempt) -> None:
        """The flow's code was left, or the pause. What was interrupted on a loop was stopped, not cancelled."""
        if self.armed and _process.struck and self.task is not None and isinstance(attempt.error, asyncio.CancelledError):
            uncancel()
            attempt.error = RunStopped(None)
            attempt.enter_state(state_of_error(attempt.error))
        self.armed = False

    def over(self) -> None:
        """The run is in its last state, or is not executed after all. RunStopped when SIGTERM is meant for the run around."""
        if self in _process.runs:
            _process.lets_go(self)

    def conclude(self, leave: Callable[[], None]) -> None:
        """The run's last word is with the courier. If SIGTERM has come and no run is left around this one, does not return: `leave` waits
        until all is told, and the process dies."""
        if _process.struck and not _process.reachable:
            _process.conclude(leave)


class _Process:
    """What has come to this process."""

    def __init__(self) -> None:
        self.runs: list[Termination] = []
        """Under way in the main thread, the innermost last."""
        self.struck = False
        self._owed = False
        """It has come, and there are runs whose code was not interrupted yet."""
        self._cancelled: set[asyncio.Task[Any]] = set()
        self._insistence = Insistence()
        self._heeds_forks = False

    @property
    def reachable(self) -> list[Termination]:
        """Those of the runs that go on: not what was left on a loop that was stopped."""
        return [run for run in self.runs if run.task is None or run.task.get_loop().is_running()]

    def takes(self, run: Termination) -> bool:
        """Whether SIGTERM is ours to hear while that run is under way."""
        if threading.current_thread() is not threading.main_thread():
            return False
        handler = signal.getsignal(signal.SIGTERM)
        if handler not in (signal.SIG_DFL, self._arrived):
            return False
        self.runs.append(run)
        if handler is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._arrived)
            self._heed_forks()
        return True

    def catches_up(self) -> None:
        """A try has begun: what came just before is meant for it."""
        if self._owed:
            self._interrupt()

    def allows_another_try(self) -> None:
        """RunStopped once SIGTERM has come."""
        if self.struck:
            self._owed = False
            raise RunStopped(None)

    def lets_go(self, run: Termination) -> None:
        """With the last one the default action is back. What came too late for that run is for the one around."""
        if self.runs == [run]:
            if self.struck:
                self._insistence.over()
            if signal.getsignal(signal.SIGTERM) == self._arrived:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self.runs.remove(run)
        if self._owed:
            self._interrupt()

    def conclude(self, leave: Callable[[], None]) -> None:
        """The last run has ended, after SIGTERM."""
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
        leave()
        _die()

    def _arrived(self, _number: int, _frame: FrameType | None) -> None:
        follows = self._insistence.follows()
        if not follows and (self.struck or not self.reachable):
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            _die()
        self.struck = self._owed = True
        self._interrupt()

    def _interrupt(self) -> None:
        """The innermost run's code, unless it has been left: then it is the turn of the run around when that one is over."""
        innermost = next(reversed(self.reachable), None)
        if innermost is None:
            return
        if innermost.task is not None:
            innermost.task.get_loop().call_soon_threadsafe(self._cancel)
        elif innermost.armed:
            self._owed = False
            self._insistence.stop(RunStopped(None))

    def _cancel(self) -> None:
        """On the loop, when it comes to it: a run whose code was left meanwhile ends as it would have."""
        innermost = {run.task: run for run in self.reachable if run.task is not None}
        if not self._owed or not innermost:
            return
        for task, run in innermost.items():
            if run.armed and task not in self._cancelled:
                self._cancelled.add(task)
                task.cancel()
        self._owed = not self._cancelled.issuperset(innermost)

    def _heed_forks(self) -> None:
        if not self._heeds_forks:
            Forks(self._arrived)
            os.register_at_fork(after_in_child=self._forget)
            self._heeds_forks = True

    def _forget(self) -> None:
        self.runs, self.struck, self._owed, self._cancelled, self._insistence = [], False, False, set(), Insistence()


def _die() -> None:
    """Of SIGTERM, once more, as whoever handles it now has it. The first process of a container is spared by the kernel, and leaves."""
    os.kill(os.getpid(), signal.SIGTERM)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        os._exit(128 + signal.SIGTERM)


_process: Final = _Process()
