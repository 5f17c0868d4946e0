"""Alarms that raise an exception in the thread that set them."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Final


def alarm(seconds: float, error: type[BaseException]) -> contextlib.AbstractContextManager[None]:
    """A block in which `error` is raised once, after `seconds`, unless it ended before."""
    if threading.current_thread() is threading.main_thread():
        return _by_signal(_Ring(time.monotonic() + seconds, error))
    return _by_timer(seconds, error)


# --- in the main thread: one interval timer, shared by all alarms ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class _Ring:
    at: float
    error: type[BaseException] = field(compare=False)


_set: list[_Ring] = []
_AGAIN_S: Final = 2.0
"""Until its handler is called an alarm rings again: the first one may come right before the thread goes to sleep, which it does not end.
Seldom, for there is C code that begins its whole wait anew whenever a signal interrupts it: rung at faster than it waits, it never ends."""


@contextlib.contextmanager
def _by_signal(ring: _Ring) -> Generator[None, None, None]:
    first = not _set
    before: Any = signal.signal(signal.SIGALRM, _on_alarm) if first else None
    _set.append(ring)
    _wind()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        if ring in _set:
            _set.remove(ring)
        if first:
            signal.signal(signal.SIGALRM, before or signal.SIG_DFL)
        _wind()


def _wind() -> None:
    first = max(min(_set).at - time.monotonic(), 1e-6) if _set else 0
    signal.setitimer(signal.ITIMER_REAL, first, _AGAIN_S)


def _on_alarm(_number: int, _frame: FrameType | None) -> None:
    due = min(_set, default=None)
    if due is None:
        return
    if due.at <= time.monotonic():
        _set.remove(due)
        _wind()
        raise due.error
    _wind()


# --- in other threads: a timer thread and an asynchronous exception -------------------------------------------------------------------


@contextlib.contextmanager
def _by_timer(seconds: float, error: type[BaseException]) -> Generator[None, None, None]:
    thread, lock, over = threading.get_ident(), threading.Lock(), False

    def ring() -> None:
        with lock:
            if not over:
                raise_in(thread, error)

    timer = threading.Timer(seconds, ring)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:
            over = True
        raise_in(thread, None)  # one that was set but has not struck yet
        timer.cancel()


def raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Raises in another thread, when Python code runs there again.

    https://docs.python.org/3/c-api/init.html#c.PyThreadState_SetAsyncExc; None takes back what has not been raised yet.
    """
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error) if error else None)
