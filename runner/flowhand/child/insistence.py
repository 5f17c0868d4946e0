"""A stop that came up where nothing could catch it, as in `__del__`, is raised again."""

from __future__ import annotations

import signal
import sys
import threading
from typing import Final, NoReturn

_AGAIN_S: Final = 0.01
"""How long after a stop was lost it is raised again: not in the very finalizer that swallowed it."""


class Insistence:
    """Of one process whose main thread hears SIGTERM. All but the timer's own part is to be called there."""

    def __init__(self) -> None:
        self._stop: BaseException | None = None
        self._lost = False
        self._over = False
        self._lock = threading.Lock()
        self._unraisable = sys.unraisablehook

    def stop(self, error: BaseException) -> NoReturn:
        """Raises it, from the handler of SIGTERM. Where the interpreter ignores it, another SIGTERM follows."""
        self._stop = error
        if sys.unraisablehook != self._swallowed:
            self._unraisable, sys.unraisablehook = sys.unraisablehook, self._swallowed
        raise error

    def follows(self) -> bool:
        """Whether the SIGTERM that has just come is that other one, and nobody else's."""
        lost, self._lost = self._lost, False
        return lost

    def over(self) -> None:
        """No other SIGTERM is sent from now on."""
        with self._lock:
            self._over = True

    def _swallowed(self, unraisable: sys.UnraisableHookArgs, /) -> None:
        """What `__del__` methods, weakref callbacks and fork hooks raise is ignored by the interpreter."""
        if self._stop is None or unraisable.exc_value is not self._stop:
            self._unraisable(unraisable)
            return
        self._lost = True
        again = threading.Timer(_AGAIN_S, self._again)
        again.daemon = True
        again.start()

    def _again(self) -> None:
        with self._lock:
            if not self._over:
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
