"""Schedules to deploy with: an interval, a cron expression or a recurrence rule (RFC 5545).

What a zone skips or repeats is declared: `dst_gap` is `shift` (the default) or `skip`, `dst_fold` is `first` (the default), `second` or
`both`. ValueError, in words, for a schedule that is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from flowhand.wire.schedules import check

Gap = Literal["shift", "skip"]
Fold = Literal["first", "second", "both"]

__all__ = [
    "Cron",
    "CronSchedule",
    "DeploymentSchedule",
    "Interval",
    "IntervalSchedule",
    "MinimalDeploymentSchedule",
    "RRule",
    "RRuleSchedule",
]


@dataclass(frozen=True, slots=True, eq=False)
class IntervalSchedule:
    """Falls due at `anchor_date` (the time of creation unless given) plus each multiple of `interval` (seconds or a timedelta).

    Whole days keep the wall time of `timezone`, shorter intervals are absolute. Two are equal when they say the same to the API.
    """

    interval: timedelta | float
    anchor_date: datetime | None = None
    timezone: str | None = None
    dst_gap: Gap | None = None
    dst_fold: Fold | None = None

    def __post_init__(self) -> None:
        check(self.wire())

    def wire(self) -> dict[str, Any]:
        """As the API takes it (contract 5.2)."""
        seconds = self.interval.total_seconds() if isinstance(self.interval, timedelta) else self.interval
        anchor = self.anchor_date.isoformat() if self.anchor_date else None
        zone = self.timezone or getattr(self.anchor_date.tzinfo if self.anchor_date else None, "key", None)
        return _given(interval=seconds, anchor_date=anchor, timezone=zone, dst_gap=self.dst_gap, dst_fold=self.dst_fold)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IntervalSchedule) and self.wire() == other.wire()

    def __hash__(self) -> int:
        return hash(tuple(self.wire().items()))


@dataclass(frozen=True, slots=True)
class CronSchedule:
    """Falls due when the wall clock of `timezone` (UTC unless given) matches the expression: five fields, or six with the seconds last.

    With `day_or` either the day of the month or the day of the week must match, without it both.
    """

    cron: str
    timezone: str | None = None
    day_or: bool = True
    dst_gap: Gap | None = None
    dst_fold: Fold | None = None

    def __post_init__(self) -> None:
        check(self.wire())

    def wire(self) -> dict[str, Any]:
        """As the API takes it (contract 5.2)."""
        return _given(cron=self.cron, timezone=self.timezone, day_or=self.day_or, dst_gap=self.dst_gap, dst_fold=self.dst_fold)


@dataclass(frozen=True, slots=True)
class RRuleSchedule:
    """Falls due as the rule says, on the wall clock of `timezone` (the rule's own TZID, else UTC, unless given)."""

    rrule: str
    timezone: str | None = None
    dst_gap: Gap | None = None
    dst_fold: Fold | None = None

    def __post_init__(self) -> None:
        check(self.wire())

    def wire(self) -> dict[str, Any]:
        """As the API takes it (contract 5.2)."""
        return _given(rrule=self.rrule, timezone=self.timezone, dst_gap=self.dst_gap, dst_fold=self.dst_fold)


Schedule = IntervalSchedule | CronSchedule | RRuleSchedule


@dataclass(slots=True)
class DeploymentSchedule:
    """A schedule in a deployment: whether it is active, the parameters of its runs, a name to change it by (`slug`)."""

    schedule: Schedule
    active: bool = True
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])
    slug: str | None = None

    def wire(self) -> dict[str, Any]:
        """As the API takes it: nothing that was not given, since older servers refuse what they do not know (contract 11)."""
        body: dict[str, Any] = {"schedule": self.schedule.wire(), "active": self.active}
        if self.parameters:
            body["parameters"] = self.parameters
        if self.slug:
            body["slug"] = self.slug
        return body


MinimalDeploymentSchedule = DeploymentSchedule


def Interval(  # noqa: N802  # reads as a type
    interval: timedelta | float,
    /,
    anchor_date: datetime | None = None,
    timezone: str | None = None,
    active: bool = True,
    parameters: dict[str, Any] | None = None,
    slug: str | None = None,
    **rules: Any,
) -> DeploymentSchedule:
    """An interval (seconds or a timedelta) for a deployment's `schedules`. `rules` are `dst_gap` and `dst_fold`."""
    return DeploymentSchedule(IntervalSchedule(interval, anchor_date, timezone, **rules), active, parameters or {}, slug)


def Cron(  # noqa: N802
    cron: str,
    /,
    timezone: str | None = None,
    day_or: bool = True,
    active: bool = True,
    parameters: dict[str, Any] | None = None,
    slug: str | None = None,
    **rules: Any,
) -> DeploymentSchedule:
    """A cron expression for a deployment's `schedules`. `rules` are `dst_gap` and `dst_fold`."""
    return DeploymentSchedule(CronSchedule(cron, timezone, day_or, **rules), active, parameters or {}, slug)


def RRule(  # noqa: N802
    rrule: str,
    /,
    timezone: str | None = None,
    active: bool = True,
    parameters: dict[str, Any] | None = None,
    slug: str | None = None,
    **rules: Any,
) -> DeploymentSchedule:
    """A recurrence rule for a deployment's `schedules`. `rules` are `dst_gap` and `dst_fold`."""
    return DeploymentSchedule(RRuleSchedule(rrule, timezone, **rules), active, parameters or {}, slug)


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
