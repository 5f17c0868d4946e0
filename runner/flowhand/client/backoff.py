"""Waiting before another try."""

from __future__ import annotations

import random
from collections.abc import Callable


def full_jitter(
    attempt: int, *, base_s: float = 0.1, cap_s: float = 5.0, uniform: Callable[[float, float], float] = random.uniform
) -> float:
    """Seconds before try number `attempt` + 1, counted from 0: anywhere between zero and a bound that doubles up to `cap_s`.

    Full jitter spreads clients that failed at the same moment, which a fixed or slightly shaken delay does not.
    """
    return uniform(0.0, min(cap_s, base_s * 2 ** min(attempt, 30)))
