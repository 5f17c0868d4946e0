"""Waiting between tries: exponential with full jitter, for ever."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass(slots=True)
class Backoff:
    """Delays that grow from `first_s` to at most `most_s` seconds, each drawn anew between zero and its bound.

    Full jitter keeps a fleet that lost its server from coming back in step.
    """

    first_s: float = 0.25
    most_s: float = 30.0
    draw: random.Random = field(default_factory=random.SystemRandom)
    failures: int = 0

    def next(self, at_least_s: float | None = None) -> float:
        """Counts a failure and says how many seconds to wait; never less than `at_least_s` (a server's Retry-After)."""
        bound = min(self.most_s, self.first_s * 2 ** min(self.failures, 16))
        self.failures += 1
        return max(self.draw.uniform(0, bound), at_least_s or 0.0)

    def reset(self) -> None:
        """The last try went well."""
        self.failures = 0
