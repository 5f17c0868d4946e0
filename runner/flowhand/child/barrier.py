"""What stands between a loaded flow and its beginning: its time, its lease, its permit."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Final

from flowhand.clock import Clock
from flowhand.errors import FlowhandError

_STRETCH_S: Final = 1.0
"""The longest single sleep: sleeping goes by the monotonic clock, which stands still while the host is suspended, boot time does not."""


class PermitWithdrawn(FlowhandError):
    """The keeper has withdrawn the permit of a child that was not to begin here anyway."""


def wait_until(at: float | None, clock: Clock, sleep: Callable[[float], None] = time.sleep) -> None:
    """Returns at the CLOCK_BOOTTIME second `at`, at once when it is None or past. A signal handler may raise out of it."""
    if at is None:
        return
    while (left := at - clock.boottime()) > 0:
        sleep(min(left, _STRETCH_S))


def take_permit(permit: str | None) -> bool:
    """Takes the permit; whether the child may begin: not when the keeper has withdrawn the file (`keeper.permits`). None: it needs none.

    OSError when the file cannot be taken away: to begin nevertheless might be to begin twice.
    """
    try:
        if permit is not None:
            os.unlink(permit)  # noqa: PTH108 - in every run, right before its first line
    except FileNotFoundError:
        return False
    return True


def lease_is_over(until: float | None, clock: Clock) -> bool:
    """Whether a child must not begin any more: somebody else may have the run by now."""
    return until is not None and clock.boottime() >= until
