"""Bodies of a deployment's schedules (contract 5.2)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter
from dateutil import rrule as rrules
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from flowhand.wire.body import Answer, Entity, Moment, Positive, Request

MAX_RRULE_LENGTH: Final = 6500
_RANDOM_CRON: Final = re.compile(r"(^|[\s,])(h|r)([\s(/,]|$)", re.IGNORECASE)
_ISO_DURATION: Final = re.compile(r"^P(?:(\d+(?:\.\d+)?)D)?(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?$")


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name[:64]!r} is not a time zone of the IANA database") from None
    return name


def _seconds(value: Any) -> Any:
    """A duration as seconds: a number, or ISO-8601 text such as `PT45S`."""
    if not isinstance(value, str):
        return value
    match = _ISO_DURATION.match(value)
    if match is None or value in ("P", "PT"):
        return value
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _cron(text: str) -> str:
    if text.strip().lower() == "@reboot" or _RANDOM_CRON.search(text):
        raise ValueError(f"{text[:64]!r}: random and start-up expressions are not supported")
    if not croniter.is_valid(text):
        raise ValueError(f"{text[:64]!r} is not a cron expression")
    return text


def _rrule(text: str) -> str:
    if len(text) > MAX_RRULE_LENGTH:
        raise ValueError(f"the rule is longer than {MAX_RRULE_LENGTH} characters")
    try:
        rule: Any = rrules.rrulestr(text, cache=False)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise ValueError(f"not a recurrence rule: {error}") from None
    parts = list(getattr(rule, "_rrule", []))
    if len({getattr(part, "_dtstart", None) for part in parts}) > 1 or len({getattr(part, "_tzinfo", None) for part in parts}) > 1:
        raise ValueError("the rules of a set must share one start and one time zone")
    return text


Zone = Annotated[str, AfterValidator(_known_zone)]
Duration = Annotated[float, BeforeValidator(_seconds)]
"""Seconds; ISO-8601 text is read too."""


class IntervalSchedule(Request):
    """Every `interval` seconds, counted from `anchor_date` in both directions."""

    interval: Annotated[Duration, Field(gt=0)]
    anchor_date: Moment = Field(default_factory=lambda: datetime.now(UTC))
    timezone: Zone | None = None

    @model_validator(mode="after")
    def _zone_of_anchor(self) -> IntervalSchedule:
        if self.timezone is None:
            self.timezone = getattr(self.anchor_date.tzinfo, "key", None) or "UTC"
        return self


class CronSchedule(Request):
    """A cron expression of five fields (six: seconds last), read on the wall clock of `timezone`."""

    cron: Annotated[str, AfterValidator(_cron)]
    timezone: Zone | None = None
    day_or: bool = True


class RRuleSchedule(Request):
    """An iCalendar recurrence rule (RFC 5545)."""

    rrule: Annotated[str, AfterValidator(_rrule)]
    timezone: Zone | None = "UTC"


Schedule = IntervalSchedule | CronSchedule | RRuleSchedule


class DeploymentScheduleCreate(Request):
    """A schedule for a deployment."""

    schedule: Schedule
    active: bool = True
    max_scheduled_runs: Positive | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    slug: str | None = None
    replaces: str | None = None
    """The slug of the schedule whose place it takes."""
    catchup: bool | None = None
    """Of 2.x clients; without effect."""
    max_active_runs: int | None = None
    """Of 2.x clients; without effect."""


class DeploymentScheduleUpdate(Request):
    """Changes to a schedule."""

    schedule: Schedule | None = None
    active: bool | None = True
    max_scheduled_runs: Positive | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    slug: str | None = None
    replaces: str | None = None
    catchup: bool | None = None
    max_active_runs: int | None = None


class StoredSchedule(Answer):
    """The rule itself as it comes back: keys as they were given."""

    interval: float | None = None
    anchor_date: Moment | None = None
    cron: str | None = None
    day_or: bool | None = None
    rrule: str | None = None
    timezone: str | None = None


class DeploymentSchedule(Entity):
    """A schedule of a deployment."""

    deployment_id: str | None = None
    schedule: StoredSchedule
    active: bool = True
    max_scheduled_runs: int | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    slug: str | None = None
