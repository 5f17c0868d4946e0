"""The spans of time that events are counted in (contract 8). Pure; times are microseconds since the epoch, UTC.

Time is cut into spans of one length from one Monday on, whenever the counting begins, so that the same events fall into the same spans.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from flowhand.clock import to_micros
from flowhand.errors import FlowhandError

MONDAY: Final = to_micros(datetime(2024, 4, 1, tzinfo=UTC))
"""Where the cuts begin, as the contract has it."""
UNITS_US: Final = {"second": 1_000_000, "minute": 60_000_000, "hour": 3_600_000_000, "day": 86_400_000_000, "week": 604_800_000_000}
MOST: Final = 1000
"""Spans that are counted at once."""


class TooManySpans(FlowhandError):
    """More spans than are counted at once."""


@dataclass(frozen=True, slots=True)
class Spans:
    """Spans of `length`, the first one numbered `first`, `count` of them."""

    first: int
    count: int
    length: int

    def begin(self, place: int) -> int:
        """When the span at this place begins."""
        return MONDAY + (self.first + place) * self.length

    def end(self, place: int) -> int:
        """Its last microsecond."""
        return self.begin(place + 1) - 1


def spans(since: int, until: int, now: int, unit: str, interval: float) -> Spans:
    """The spans from that of `since` to that of `until`, but none that begin after the unit of time that is running now. TooManySpans."""
    length = max(1, round(UNITS_US[unit] * interval))
    number = math.ceil((until - since) / length)
    if number > MOST:
        raise TooManySpans(
            f"The given interval would create {number} spans, which is too many: take a longer interval or a shorter range of time, "
            f"so that there are {MOST} or fewer."
        )
    whole = UNITS_US[unit]
    running = (now - MONDAY) // whole * whole + whole + MONDAY - 1
    first = (since - MONDAY) // length
    end = min(until, running) if until > now else until
    return Spans(first, max(0, math.ceil((end - MONDAY) / length) - first), length)
