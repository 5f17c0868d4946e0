"""Bodies of a deployment's schedules (contract 5.2). When they fall due is `wire.schedules`' matter, and whether they are right as well."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from flowhand.wire.body import Answer, Entity, Moment, Positive, Request
from flowhand.wire.schedules import check, kind_of

_ISO_DURATION: Final = re.compile(r"^P(?:(\d+(?:\.\d+)?)D)?(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?$")


def _seconds(value: Any) -> Any:
    """A duration as seconds: a number, a timedelta, or ISO-8601 text such as `PT45S`."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if not isinstance(value, str):
        return value
    match = _ISO_DURATION.match(value)
    if match is None or value in ("P", "PT"):
        return value
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


Duration = Annotated[float, BeforeValidator(_seconds)]
"""Seconds; ISO-8601 text is read too."""


_MISPLACED: Final = {"interval": ("day_or",), "cron": ("anchor_date",), "rrule": ("anchor_date", "day_or")}
"""By kind of schedule: the keys that mean nothing beside it."""


class Schedule(Request):
    """One of an interval, a cron expression and a recurrence rule. Ours: what becomes of wall times that a zone skips or repeats."""

    interval: Annotated[Duration, Field(gt=0)] | None = None
    anchor_date: Moment | None = None
    cron: str | None = None
    day_or: bool | None = None
    rrule: str | None = None
    timezone: str | None = None
    dst_gap: Literal["shift", "skip"] | None = None
    dst_fold: Literal["first", "second", "both"] | None = None

    @model_validator(mode="after")
    def _right(self) -> Schedule:
        kind = kind_of({name: getattr(self, name) for name in _MISPLACED})
        for name in _MISPLACED[kind]:
            if getattr(self, name) is not None:
                raise ValueError(f"{name} has no meaning beside {kind}")
        check(self.stored())
        return self

    def stored(self) -> dict[str, Any]:
        """As it is kept and sent: the keys of its kind, its defaults filled in."""
        if self.interval is not None:
            anchor = self.anchor_date or datetime.now(UTC)
            zone = self.timezone or getattr(anchor.tzinfo, "key", None) or "UTC"
            kept: dict[str, Any] = {"interval": self.interval, "anchor_date": _iso(anchor), "timezone": zone}
        elif self.cron is not None:
            kept = {"cron": self.cron, "timezone": self.timezone, "day_or": True if self.day_or is None else self.day_or}
        else:
            kept = {"rrule": self.rrule, "timezone": self.timezone or "UTC"}
        return kept | {name: value for name in ("dst_gap", "dst_fold") if (value := getattr(self, name)) is not None}


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


Catchup = Literal["none", "latest", "all"] | dict[Literal["window"], float] | bool | None
"""What becomes of slots that were missed: ours, a word or a window in seconds; the yes or no of 2.x clients is without effect."""


class DeploymentScheduleCreate(Request):
    """A schedule for a deployment."""

    schedule: Schedule
    active: bool = True
    max_scheduled_runs: Positive | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    slug: str | None = None
    replaces: str | None = None
    """The slug of the schedule whose place it takes."""
    catchup: Catchup = None
    max_active_runs: int | None = None
    """Of 2.x clients; without effect."""


class DeploymentScheduleUpdate(Request):
    """Changes to a schedule. What is present is set."""

    schedule: Schedule | None = None
    active: bool | None = True
    max_scheduled_runs: Positive | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    slug: str | None = None
    replaces: str | None = None
    catchup: Catchup = None
    max_active_runs: int | None = None


class StoredSchedule(Answer):
    """The rule itself as it comes back: the keys of its kind."""

    interval: float | None = None
    anchor_date: Moment | None = None
    cron: str | None = None
    day_or: bool | None = None
    rrule: str | None = None
    timezone: str | None = None
    dst_gap: str | None = None
    dst_fold: str | None = None


class DeploymentSchedule(Entity):
    """A schedule of a deployment."""

    deployment_id: str | None = None
    schedule: StoredSchedule
    active: bool = True
    max_scheduled_runs: int | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    slug: str | None = None
    catchup: Catchup = None
