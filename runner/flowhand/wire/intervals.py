"""Occurrences of an interval: anchor plus a whole number of intervals, whole days on the wall clock, the rest in absolute time.

A pure function of the anchor: where one starts to look never changes what is found, so that a slot time is the same slot for ever.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from flowhand.clock import EPOCH, to_micros
from flowhand.wire.walltime import DAY_US, WallClock, zone_of

MOST_BEFORE: Final = 1000
"""Occurrences before an anchor that are kept: nobody is answered more at once (`schedules.MAX_CANDIDATES`)."""


def check_interval(schedule: dict[str, Any]) -> None:
    """ValueError when the interval, its anchor or its zone is wrong."""
    _interval_us(schedule)
    WallClock.of(schedule, zone_of(schedule.get("timezone"), _anchor(schedule).tzinfo or UTC))


def interval_occurrences(schedule: dict[str, Any], start_us: int) -> Iterator[int]:
    """All occurrences at or after `start_us`, ascending, without end. Without an anchor the epoch is it."""
    anchor = _anchor(schedule)
    clock = WallClock.of(schedule, zone_of(schedule.get("timezone"), anchor.tzinfo or UTC))
    days, rest_us = divmod(_interval_us(schedule), DAY_US)
    if not days:
        return _absolute(to_micros(anchor), rest_us, start_us)
    if not rest_us:
        return _daily(clock, clock.wall(to_micros(anchor)), days, start_us)
    return _mixed(clock, to_micros(anchor), days, rest_us, start_us)


def _absolute(anchor_us: int, step_us: int, start_us: int) -> Iterator[int]:
    at = anchor_us + -((anchor_us - start_us) // step_us) * step_us
    while True:
        yield at
        at += step_us


def _daily(clock: WallClock, anchor: datetime, days: int, start_us: int) -> Iterator[int]:
    begin = clock.wall(start_us) - timedelta(days=1)
    k = math.ceil((begin - anchor) / timedelta(days=days))
    last = None
    while True:
        for at in clock.moments(anchor + timedelta(days=k * days)):
            if at >= start_us and at != last:
                last = at
                yield at
        k += 1


def _mixed(clock: WallClock, anchor_us: int, days: int, rest_us: int, start_us: int) -> Iterator[int]:
    """Stepped from the anchor, one after the other: a wall-clock part and an absolute part do not commute over a change of offset.

    So what lies before the anchor are the steps back from it, never steps forward again from where those ended.
    """
    before: deque[int] = deque(maxlen=MOST_BEFORE)
    at = anchor_us
    while (at := _step(clock, at - rest_us, -days)) >= start_us:
        before.appendleft(at)
    yield from before
    at = anchor_us
    while True:
        if at >= start_us:
            yield at
        at = _step(clock, at, days) + rest_us


def _step(clock: WallClock, moment_us: int, days: int) -> int:
    wall = clock.wall(moment_us) + timedelta(days=days)
    return to_micros(wall.replace(tzinfo=clock.zone))


def _interval_us(schedule: dict[str, Any]) -> int:
    value = schedule["interval"]
    try:
        seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    except (TypeError, ValueError):
        raise ValueError(f"interval is {value!r}; it is a number of seconds") from None
    if not seconds > 0 or math.isinf(seconds):
        raise ValueError(f"interval is {value!r}; it is a number of seconds above zero")
    return max(round(seconds * 1_000_000), 1)


def _anchor(schedule: dict[str, Any]) -> datetime:
    value = schedule.get("anchor_date")
    if value is None:
        return EPOCH
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"anchor_date is {value!r}; it is an ISO-8601 date and time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
