"""Times as people write and read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pendulum
import typer

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*,?(?:\s*and\s+)?", re.IGNORECASE)
_WORDS: Final = {"sec": "s", "second": "s", "min": "m", "minute": "m", "hr": "h", "hour": "h", "day": "d", "week": "w"}


def parse_duration(text: str) -> timedelta:
    """`90`, `90s`, `1h30m`, `2 hours`: seconds unless a unit is given. typer.BadParameter for anything else."""
    seconds, position = 0.0, 0
    while position < len(text):
        part = _PART.match(text, position)
        unit = _unit(part.group(2)) if part else None
        if part is None or unit is None:
            raise typer.BadParameter(f"{text!r} is not a duration; write 90, 90s, 15m, 1h30m or 2 days")
        seconds += float(part.group(1)) * _UNITS[unit]
        position = part.end()
    if not text.strip():
        raise typer.BadParameter("a duration is empty; write 90, 90s, 15m, 1h30m or 2 days")
    return timedelta(seconds=seconds)


def _unit(word: str) -> str | None:
    word = word.lower()
    if word in _UNITS:
        return word
    return _WORDS.get(word.removesuffix("s")) if word else "s"


def parse_moment(text: str) -> datetime:
    """A date and time as ISO-8601, or a time of today, in the local zone unless it names another. typer.BadParameter for anything else."""
    try:
        moment: Any = pendulum.parse(text, tz=pendulum.local_timezone())
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a time; write 2026-01-31T09:00, 2026-01-31T09:00+02:00 or 09:00") from None
    if not isinstance(moment, datetime):
        raise typer.BadParameter(f"{text!r} is not one moment; write 2026-01-31T09:00 or 09:00")
    return datetime.fromisoformat(moment.isoformat())  # a plain one: arithmetic with pendulum's own gives other types


def parse_since(text: str) -> datetime:
    """A moment, or a duration before now."""
    try:
        return datetime.now(UTC) - parse_duration(text)
    except typer.BadParameter:
        return parse_moment(text)


def ago(stamp: str | None) -> str:
    """An ISO stamp as `3 minutes ago` or `in 2 hours`; a dash for none."""
    if not stamp:
        return "-"
    moment = pendulum.instance(datetime.fromisoformat(stamp))
    return "now" if abs(moment.diff().total_seconds()) < 1 else moment.diff_for_humans()


def lasting(seconds: float) -> str:
    """Seconds as `45 s`, `2 h`, `1.5 s`: the largest unit that leaves no rest, else words."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s" if seconds < 60 else pendulum.duration(seconds=seconds).in_words()


def clock_time(micros: int) -> str:
    """Microseconds since the epoch as the local time of day, to the millisecond."""
    local = datetime.fromtimestamp(micros / 1_000_000).astimezone()
    return f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}"
