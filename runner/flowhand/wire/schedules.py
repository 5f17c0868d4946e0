"""When schedules fall due. Pure functions of the schedule as it is on the wire (contract 5.2) and a start; no clock is read.

A schedule is one of `{interval, anchor_date, timezone}`, `{cron, timezone, day_or}`, `{rrule, timezone}`. Each also takes `dst_gap`
(`shift`, the default, or `skip`) and `dst_fold` (`first`, the default, `second` or `both`): what becomes of a wall time that a zone
skips or repeats. What is found never depends on where one begins to look.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, takewhile
from typing import Any, Final

from flowhand.wire.crons import check_cron, cron_occurrences
from flowhand.wire.intervals import check_interval, interval_occurrences
from flowhand.wire.rrules import check_rrule, rrule_occurrences

MAX_CANDIDATES: Final = 1000
"""Occurrences answered by one call at most (contract 5.2)."""


def occurrences(schedule: dict[str, Any], start_us: int, limit: int, until_us: int | None = None) -> list[int]:
    """At most `limit` occurrences from `start_us` to `until_us`, both included, ascending, in microseconds since the epoch (UTC).

    ValueError when the schedule is none that `check` accepts.
    """
    found: Iterator[int]
    match kind_of(schedule):
        case "interval":
            found = interval_occurrences(schedule, start_us)
        case "cron":
            found = cron_occurrences(schedule, start_us)
        case _:
            found = rrule_occurrences(schedule, start_us)
    if until_us is not None:
        found = takewhile(lambda at: at <= until_us, found)
    return list(islice(_representable(found), max(min(limit, MAX_CANDIDATES), 0)))


def check(schedule: dict[str, Any]) -> None:
    """ValueError, in words, when the schedule is wrong."""
    match kind_of(schedule):
        case "interval":
            check_interval(schedule)
        case "cron":
            check_cron(schedule)
        case _:
            check_rrule(schedule)


def kind_of(schedule: dict[str, Any]) -> str:
    """`interval`, `cron` or `rrule`. ValueError when it is none of them, or several."""
    kinds = [kind for kind in ("interval", "cron", "rrule") if schedule.get(kind) is not None]
    if len(kinds) != 1:
        said = " and ".join(kinds) or "none of them"
        raise ValueError(f"a schedule has exactly one of interval, cron and rrule; this one has {said}")
    return kinds[0]


def _representable(found: Iterator[int]) -> Iterator[int]:
    """Ends with the calendar: a rule may run on behind the year 9999."""
    try:
        yield from found
    except OverflowError:
        return
