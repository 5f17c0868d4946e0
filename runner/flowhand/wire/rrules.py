"""Occurrences of an iCalendar recurrence rule (RFC 5545), on the wall clock of its zone.

Times in the rule are wall times of the schedule's zone, with or without `Z`. A schedule without a zone takes that of the rule's own
`DTSTART;TZID=…`, else UTC. Without DTSTART the rule starts on 2020-01-01 at midnight (contract 5.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from flowhand.wire.walltime import WallClock, zone_of

if TYPE_CHECKING:
    from dateutil.rrule import rrule

MAX_LENGTH: Final = 6500
"""Characters of a rule at most (contract 5.2)."""
DEFAULT_START: Final = datetime(2020, 1, 1)  # noqa: DTZ001  # a wall time: its zone is the schedule's
_UNITS: Final = {
    "SECONDLY": timedelta(seconds=1),
    "MINUTELY": timedelta(minutes=1),
    "HOURLY": timedelta(hours=1),
    "DAILY": timedelta(days=1),
    "WEEKLY": timedelta(weeks=1),
}
_FAR: Final = {"SECONDLY": 366, "MINUTELY": 366, "HOURLY": 366, "DAILY": 3660, "WEEKLY": 3660, "MONTHLY": 36_600, "YEARLY": 36_600}
"""Days ahead in which a match is looked for: a rule that never matches must come to an end (each year of days costs 0.1 to 0.7 s)."""
_LAST: Final = datetime(9000, 1, 1)  # noqa: DTZ001  # a wall time
_UTC_MARK: Final = re.compile(r"(\d{8}T\d{6})Z", re.IGNORECASE)
_HAS_COUNT: Final = re.compile(r"(?i)(^|[;:\s])COUNT\s*=")


def check_rrule(schedule: dict[str, Any]) -> None:
    """ValueError when the rule or its zone is wrong."""
    text = schedule["rrule"]
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"rrule is {text!r}; it is a rule such as 'FREQ=DAILY;BYHOUR=9'")
    if len(text) > MAX_LENGTH:
        raise ValueError(f"rrule has {len(text)} characters; at most {MAX_LENGTH} are allowed")
    parts = _read(text)
    parts.walls(DEFAULT_START)
    WallClock.of(schedule, parts.zone(schedule))


def has_count(text: str) -> bool:
    """Whether a rule ends after a number of occurrences."""
    return _HAS_COUNT.search(text) is not None


def rrule_occurrences(schedule: dict[str, Any], start_us: int) -> Iterator[int]:
    """All occurrences at or after `start_us`, ascending, each once."""
    parts = _read(schedule["rrule"])
    clock = WallClock.of(schedule, parts.zone(schedule))
    return clock.in_order(parts.walls(clock.look_from(start_us)), start_us)


@dataclass(slots=True)
class _Parts:
    """A rule's lines, taken apart."""

    start: datetime = DEFAULT_START
    tzid: str | None = None
    rules: list[str] = field(default_factory=list[str])
    exceptions: list[str] = field(default_factory=list[str])
    dates: list[datetime] = field(default_factory=list[datetime])
    left_out: list[datetime] = field(default_factory=list[datetime])

    def zone(self, schedule: dict[str, Any]) -> Any:
        return zone_of(schedule.get("timezone") or self.tzid)

    def walls(self, begin: datetime) -> Iterator[datetime]:
        """The wall times at or after `begin`."""
        from dateutil.rrule import rruleset  # a scheduler's matter; a flow's process never pays for it

        found = rruleset()
        for text in self.rules:
            found.rrule(_rule(text, self.start, begin))
        for text in self.exceptions:
            found.exrule(_rule(text, self.start, begin))
        for wall in self.dates:
            found.rdate(wall)
        for wall in self.left_out:
            found.exdate(wall)
        return iter(found.xafter(begin, inc=True))


def _rule(text: str, start: datetime, begin: datetime) -> rrule:
    from dateutil.rrule import rrule, rrulestr

    fields = dict(part.upper().split("=", 1) for part in text.split(";") if "=" in part)
    interval = fields.get("INTERVAL", "1")
    if not interval.isdigit() or int(interval) < 1:
        raise ValueError(f"rrule is {text!r}: INTERVAL is a whole number above zero")
    try:
        rule = rrulestr(text, dtstart=_near(fields, int(interval), start, begin))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"rrule is {text!r}: {error}") from None
    if not isinstance(rule, rrule):
        raise ValueError(f"rrule is {text!r}: it is not one rule")
    if "UNTIL" in fields or "COUNT" in fields:
        return rule
    return rule.replace(until=min(begin, _LAST) + timedelta(days=_FAR[fields["FREQ"]]))


def _near(fields: dict[str, str], interval: int, start: datetime, begin: datetime) -> datetime:
    """A start close before `begin` that yields the same dates: moved by whole intervals, which only a COUNT would notice."""
    unit = _UNITS.get(fields.get("FREQ", ""))
    if unit is None or "COUNT" in fields:
        return start
    step = unit * interval
    return start + ((begin - start) // step - 1) * step if begin - start > 2 * step else start


def _read(text: str) -> _Parts:
    parts = _Parts()
    unfolded = re.sub(r"\r?\n[ \t]", "", text.strip())
    for line in unfolded.splitlines():
        name, colon, value = line.strip().partition(":")
        if not colon:
            name, value = "RRULE", name
        key, *params = name.upper().split(";") if colon else ["RRULE"]
        _take(parts, key, params, name, _UTC_MARK.sub(r"\1", value))
    if not parts.rules and not parts.dates:
        raise ValueError(f"rrule is {text!r}: it has no RRULE")
    return parts


def _take(parts: _Parts, key: str, params: list[str], name: str, value: str) -> None:
    match key:
        case "RRULE" if value:
            parts.rules.append(value)
        case "EXRULE":
            parts.exceptions.append(value)
        case "RDATE":
            parts.dates += [_wall(item) for item in value.split(",")]
        case "EXDATE":
            parts.left_out += [_wall(item) for item in value.split(",")]
        case "DTSTART":
            parts.start = _wall(value)
            tzid = [param for param in name.split(";")[1:] if param.upper().startswith("TZID=")]
            parts.tzid = tzid[0][5:] if tzid else None
        case "":
            return
        case _:
            raise ValueError(f"rrule has a line {key!r}; only DTSTART, RRULE, EXRULE, RDATE and EXDATE are known")


def _wall(text: str) -> datetime:
    for form in ("%Y%m%dT%H%M%S", "%Y%m%d"):
        try:
            return datetime.strptime(text.strip(), form)  # noqa: DTZ007  # a wall time
        except ValueError:
            continue
    raise ValueError(f"rrule has the date {text!r}; a date is written 20260131T090000")
