"""Signals and ended children. Handlers do nothing; what has come is read from the wake-up descriptor, in the loop's turn."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from types import FrameType

from flowhand.keeper.attempt import Attempt
from flowhand.keeper.family import Family
from flowhand.keeper.loop import Loop


class Reaper:
    """Reaps main processes and orphans, and calls `asked_to_end()` on SIGTERM. SIGINT is for the daemon and ignored."""

    def __init__(self, loop: Loop, family: Family[Attempt], asked_to_end: Callable[[], None]) -> None:
        self._family = family
        self._asked_to_end = asked_to_end
        self._wake, self._written = socket.socketpair()
        self._wake.setblocking(False)
        self._written.setblocking(False)
        loop.watch(self._wake.fileno(), lambda _: self._woken())
        signal.set_wakeup_fd(self._written.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, _ignore)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def _woken(self) -> None:
        try:
            numbers = self._wake.recv(4096)
        except BlockingIOError:
            return
        self._reap()
        if signal.SIGTERM in numbers:
            self._asked_to_end()

    def _reap(self) -> None:
        touched: dict[Attempt, None] = {}
        while (pid := _ended_child()) is not None:
            main = self._family.main(pid)
            owner = main or self._family.owner(pid)
            _, status, usage = os.wait4(pid, 0)
            if main is not None:
                main.reaped(status, usage)
            elif owner is not None:
                owner.spent(usage)
                touched[owner] = None
        for attempt in touched:
            attempt.settle()


def _ignore(number: int, frame: FrameType | None) -> None:
    """A handler that does nothing; without one there is no wake-up."""


def _ended_child() -> int | None:
    """A child that waits to be reaped; left unreaped, so that what it was can still be looked up."""
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return found.si_pid if found is not None else None
