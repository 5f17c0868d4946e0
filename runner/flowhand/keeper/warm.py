"""The warm image: everything a run needs is imported and exercised once, before the first fork, and then left alone."""

from __future__ import annotations

import gc
import os

from flowhand.child import program


def up() -> int:
    """Warms this process; the peak memory in bytes that a forked child counts although it is shared (getrusage(2) counts shared pages)."""
    program.warm()
    gc.collect()
    gc.freeze()
    return _peak_of_an_idle_child()


def _peak_of_an_idle_child() -> int:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    _, _, usage = os.wait4(pid, 0)
    return usage.ru_maxrss * 1024
