"""A nudge: a signal that only ends a wait, after which Python looks for the signals that came before it.

What Python's own handler does at a signal is to set a flag; the program's runs when the interpreter next looks at that. A SIGTERM that
comes between the last look and the system call that sleeps does not wake the sleeper, and would be heard when that call returns by itself
(https://peps.python.org/pep-0475/ is about the others). So the keeper sends a few nudges after the SIGTERM that it sends to a run's
process. Nobody does in a container, or after a SIGTERM of somebody else's.
"""

from __future__ import annotations

import signal
from types import FrameType
from typing import Final

NUDGE: Final = signal.SIGURG
"""Ignored by a process that does not listen to it (signal(7)), so it may be sent to any."""
PAUSES_S: Final = (0.02, 0.2, 2.0)
"""Before each of them: a thread that is not on its way to sleep any more after the first one had no processor."""


def listen() -> None:
    """From now on nudges end what the main thread waits for in the kernel. To be called there."""
    signal.signal(NUDGE, _do_nothing)


def _do_nothing(_number: int, _frame: FrameType | None) -> None:
    """That it was called is all."""
