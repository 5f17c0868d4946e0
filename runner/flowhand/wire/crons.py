"""Occurrences of a cron expression, on the wall clock of its zone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from flowhand.wire.walltime import WallClock, zone_of

_HASHED: Final = re.compile(r"(?i)(^|,)[hr](\W|$)")
_FAR: Final = 100
"""Years ahead in which a match is looked for."""


def check_cron(schedule: dict[str, Any]) -> None:
    """ValueError when the expression or its zone is wrong. Five fields, or six with the seconds last; `@daily` and the like."""
    from croniter import croniter  # a scheduler's matter; a flow's process never pays for it

    expression = schedule["cron"]
    if not isinstance(expression, str) or not expression.strip():
        raise ValueError(f"cron is {expression!r}; it is an expression such as '0 9 * * MON-FRI'")
    if any(_HASHED.search(field) for field in expression.split()):
        raise ValueError(f"cron is {expression!r}; H and R are not supported")
    try:
        fields = croniter.expand(expression)[0]
    except (ValueError, KeyError, IndexError, AttributeError) as error:
        raise ValueError(f"cron is {expression!r}: {error}") from None
    if len(fields) > 6:
        raise ValueError(f"cron is {expression!r}; it has five fields, or six with the seconds last")
    WallClock.of(schedule, zone_of(schedule.get("timezone")))


def cron_occurrences(schedule: dict[str, Any], start_us: int) -> Iterator[int]:
    """All occurrences at or after `start_us`, ascending, each once. Ends when nothing matches in the next hundred years."""
    clock = WallClock.of(schedule, zone_of(schedule.get("timezone")))
    return clock.in_order(_matches(schedule, clock.look_from(start_us)), start_us)


def _matches(schedule: dict[str, Any], after: datetime) -> Iterator[datetime]:
    from croniter import CroniterBadDateError, croniter

    day_or = schedule.get("day_or")
    walls = croniter(
        schedule["cron"],
        after.replace(microsecond=0),
        ret_type=datetime,
        day_or=True if day_or is None else bool(day_or),
        max_years_between_matches=_FAR,
    )
    while True:
        try:
            yield walls.get_next(datetime)
        except CroniterBadDateError:
            return
