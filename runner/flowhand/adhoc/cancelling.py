"""A run that is cancelled at the API: the code of its flow, in whatever thread or loop it is, is interrupted."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable
from typing import Final

from flowhand.errors import CancelledRun
from flowhand.sdk.alarms import raise_in
from flowhand.sdk.attempt import Attempt
from flowhand.sdk.interrupts import RunStopped
from flowhand.sdk.states import Cancelled

WORDS: Final = "Flow run was cancelled."


class _Stop(RunStopped):
    """Raised by its type alone, which takes no arguments."""

    def __init__(self) -> None:
        super().__init__("cancel")


class Cancellation:
    """Of one run. `strike` comes from another thread; the rest is called where the flow runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._interrupt: Callable[[], object] | None = None
        self._thread: int | None = None
        self._struck = False

    def arm(self, attempt: Attempt) -> None:
        """The flow's code begins, here."""
        with self._lock:
            self._interrupt = self._in_task() if attempt.what.is_async else self._in_thread()

    def strike(self) -> None:
        """Interrupts the flow's code, once."""
        with self._lock:
            if self._interrupt is not None and not self._struck:
                self._struck = True
                self._interrupt()

    def disarm(self, attempt: Attempt) -> None:
        """The flow's code has ended. A run that was interrupted is Cancelled; its caller gets CancelledRun."""
        with self._lock:
            self._interrupt = None
            if self._thread is not None:
                raise_in(self._thread, None)  # one that was set but has not struck yet
        if self._struck and isinstance(attempt.error, (KeyboardInterrupt, RunStopped, asyncio.CancelledError)):
            if isinstance(attempt.error, asyncio.CancelledError):
                uncancel()
            attempt.error = CancelledRun(WORDS)
            attempt.enter_state(Cancelled(message=WORDS, data=attempt.error))

    def _in_task(self) -> Callable[[], object]:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        return lambda: loop.call_soon_threadsafe(task.cancel)

    def _in_thread(self) -> Callable[[], object]:
        here = threading.get_ident()
        if here == threading.main_thread().ident and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            return lambda: signal.pthread_kill(
                here, signal.SIGINT
            )  # a signal interrupts whatever waits, an exception from outside does not
        self._thread = here
        return lambda: raise_in(here, _Stop)


def uncancel() -> None:
    """The cancellation of the running task was ours, and is obeyed."""
    with contextlib.suppress(RuntimeError):
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
