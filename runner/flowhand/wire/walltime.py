"""From wall time to moments, by declared rules for the hours that a zone skips (a gap) or repeats (a fold).

Moments are microseconds since the epoch, UTC; a wall time is a naive datetime and a zone. Standard library only.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from flowhand.clock import to_datetime, to_micros

Gap = Literal["shift", "skip"]
Fold = Literal["first", "second", "both"]
GAPS: Final[tuple[Gap, ...]] = ("shift", "skip")
FOLDS: Final[tuple[Fold, ...]] = ("first", "second", "both")
DAY_US: Final = 86_400_000_000


def zone_of(name: str | None, otherwise: tzinfo = UTC) -> tzinfo:
    """The zone of an IANA name or a fixed offset (`+02:00`); `otherwise` when there is none. ValueError for an unknown one."""
    if not name:
        return otherwise
    if name[0] in "+-":
        return _fixed(name)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a known time zone; use a name such as Europe/Berlin") from None


def _fixed(text: str) -> tzinfo:
    try:
        offset = datetime.strptime(text, "%z").utcoffset()
    except ValueError:
        offset = None
    if offset is None:
        raise ValueError(f"{text!r} is not a known time zone; use a name such as Europe/Berlin, or an offset such as +02:00")
    return timezone(offset)


@dataclass(frozen=True, slots=True)
class WallClock:
    """A zone and its rules: a wall time in a gap is shifted behind it or skipped, one in a fold happens first, second or both times."""

    zone: tzinfo
    gap: Gap = "shift"
    fold: Fold = "first"

    @classmethod
    def of(cls, schedule: dict[str, Any], zone: tzinfo) -> WallClock:
        """With the rules that a schedule declares (`dst_gap`, `dst_fold`). ValueError for unknown ones."""
        gap: Gap = schedule.get("dst_gap") or "shift"
        fold: Fold = schedule.get("dst_fold") or "first"
        if gap not in GAPS:
            raise ValueError(f"dst_gap is {gap!r}; it is one of {', '.join(GAPS)}")
        if fold not in FOLDS:
            raise ValueError(f"dst_fold is {fold!r}; it is one of {', '.join(FOLDS)}")
        return cls(zone, gap, fold)

    def wall(self, moment_us: int) -> datetime:
        """What the clock on the wall shows at a moment."""
        return to_datetime(moment_us).astimezone(self.zone).replace(tzinfo=None, fold=0)

    def offset(self, moment_us: int) -> timedelta:
        """How far the zone is ahead of UTC at a moment."""
        return to_datetime(moment_us).astimezone(self.zone).utcoffset() or timedelta()

    def in_gap(self, wall: datetime) -> bool:
        """Whether the clock on the wall never shows this."""
        early, late = self._both(wall)
        return early > late

    def moments(self, wall: datetime) -> tuple[int, ...]:
        """When the clock on the wall shows this, by the rules: none, one or two moments, in order.

        In a gap the offset before it counts (RFC 5545, 3.3.5), so that 02:30 becomes 03:30.
        """
        early, late = self._both(wall)
        if early == late:
            return (early,)
        if early > late:
            return () if self.gap == "skip" else (early,)
        if self.fold == "both":
            return (early, late)
        return (early,) if self.fold == "first" else (late,)

    def look_from(self, start_us: int) -> datetime:
        """The wall time at which to begin looking for moments at or after a start: earlier by a gap or fold of the last day or the next,
        whose shifted or repeated wall times may still lie ahead."""
        before, now, after = (self.offset(start_us + days * DAY_US) for days in (-1, 0, 1))
        change = max(abs(now - before), abs(after - now))
        return (self.wall(start_us) - change - timedelta(seconds=1)).replace(microsecond=0)

    def in_order(self, walls: Iterable[datetime], start_us: int) -> Iterator[int]:
        """The moments of ascending wall times, at or after a start, ascending, each once.

        A shifted moment may come behind those of later wall times, and so may the second one of a repeated hour: both are kept back until
        a wall time that is not in a gap has a first moment behind them.
        """
        pending: list[int] = []
        last = None
        for wall in walls:
            moments = self.moments(wall)
            for at in moments:
                if at >= start_us:
                    heapq.heappush(pending, at)
            if self.in_gap(wall):
                continue
            while pending and pending[0] <= moments[0]:
                at = heapq.heappop(pending)
                if at != last:
                    last = at
                    yield at
        yield from sorted(set(pending) - {last})

    def _both(self, wall: datetime) -> tuple[int, int]:
        return to_micros(wall.replace(tzinfo=self.zone, fold=0)), to_micros(wall.replace(tzinfo=self.zone, fold=1))
