"""Which of a schedule's slots become runs: ahead of time (contract 5.1), and after an outage. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flowhand.wire.schedules import occurrences

MIN_RUNS: Final = 3
MAX_RUNS: Final = 100
AHEAD_US: Final = 3_600_000_000
FARTHEST_US: Final = 100 * 86_400_000_000
EVERY_US: Final = 60_000_000
NEVER_US: Final = 2**62


@dataclass(frozen=True, slots=True)
class Plan:
    """The slots that have to be in the table now, and when to look again (microseconds, UTC)."""

    slots: list[int]
    look_at: int


def plan(schedule: dict[str, Any], now: int) -> Plan:
    """At least three slots and at least an hour ahead, a hundred and a hundred days at most. ValueError for a wrong schedule."""
    found = occurrences(schedule, now, MAX_RUNS, now + FARTHEST_US)
    count = next((n for n in range(MIN_RUNS, len(found) + 1) if found[n - 1] >= now + AHEAD_US), len(found))
    slots = found[:count]
    if len(slots) < MIN_RUNS:
        # few are left, or they are far away: a day later there may be more
        return Plan(slots, now + 86_400_000_000 if slots else NEVER_US)
    # again when fewer than three are ahead, or less than an hour is; the latter at most once a minute
    return Plan(slots, min(slots[-MIN_RUNS] + 1, max(slots[-1] - AHEAD_US, now + EVERY_US)))


Catchup = Any
"""`none`, `latest`, `all` or {"window": seconds}, as it stands in the schedule; None is `latest`."""


def wanted(missed: Sequence[int], catchup: Catchup, now: int) -> set[int]:
    """Which of the slots that fell into an outage are still to be run."""
    if not missed or catchup == "none":
        return set()
    if catchup == "all":
        return set(missed)
    if isinstance(catchup, Mapping):
        since = now - round(float(catchup.get("window") or 0) * 1_000_000)
        return {slot for slot in missed if slot >= since}
    return {max(missed)}


def missed_slots(schedule: dict[str, Any], since: int, now: int) -> list[int]:
    """The slots between, `since` not included: the latest thousand at most."""
    slots: list[int] = []
    start = since + 1
    while True:
        found = occurrences(schedule, start, 1000, now)
        slots = [*slots, *found][-1000:]
        if len(found) < 1000:
            return slots
        start = found[-1] + 1
