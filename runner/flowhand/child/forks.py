"""What the flow's code forks dies of SIGTERM as it would without us: by the default action, from its first moment on.

A fork inherits our handler, and a handler in Python is not enough to die of: what comes right before a system call that sleeps is not
heard until that returns, and what is pending at the fork itself is forgotten. A pool of processes, which ends its own by SIGTERM, hung.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

Handler = Callable[[int, FrameType | None], object]


class Forks:
    """Of this process, while `handler` is the one of SIGTERM. A handler of the flow's own is inherited as ever. One a process."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._forking = threading.local()
        os.register_at_fork(before=self._before, after_in_parent=self._after, after_in_child=self._in_child)

    def _before(self) -> None:
        # In two steps: what came right before is heard, and may raise, once it is blocked, and then this must be known.
        self._forking.unblocked = self._is_ours() and signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        if self._forking.unblocked:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def _after(self) -> None:
        if getattr(self._forking, "unblocked", False):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

    def _in_child(self) -> None:
        if self._is_ours():
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._after()

    def _is_ours(self) -> bool:
        return signal.getsignal(signal.SIGTERM) == self._handler
