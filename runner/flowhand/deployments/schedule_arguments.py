"""From the ways to give a schedule (`interval=`, `cron=`, `rrule=`, `schedule=`, `schedules=`) to a list of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flowhand.schedules import CronSchedule, DeploymentSchedule, IntervalSchedule, RRuleSchedule, Schedule
from flowhand.wire.rrules import has_count


@dataclass(frozen=True, slots=True)
class ScheduleArguments:
    """What a user gave. Each of interval, cron and rrule may be a list."""

    interval: Any = None
    cron: Any = None
    rrule: Any = None
    schedule: Any = None
    schedules: Any = None
    anchor_date: datetime | str | None = None
    timezone: str | None = None

    def read(self) -> list[DeploymentSchedule]:
        """The schedules. ValueError for several kinds at once, or for one that is wrong."""
        kinds = [kind for kind in ("interval", "cron", "rrule", "schedule", "schedules") if getattr(self, kind) not in (None, [], ())]
        if len(kinds) > 1:
            raise ValueError(f"{' and '.join(kinds)} were both given; give one of interval, cron, rrule, schedule and schedules")
        if self.anchor_date is not None and kinds != ["interval"]:
            raise ValueError("anchor_date is the start of an interval; give it together with interval")
        if self.timezone is not None and kinds[:1] not in (["interval"], ["cron"], ["rrule"]):
            raise ValueError("timezone goes with interval, cron or rrule; a ready schedule has its own")
        if not kinds:
            return []
        return [deployment_schedule(item) for item in self._of(kinds[0])]

    def _of(self, kind: str) -> list[Any]:
        value = getattr(self, kind)
        items = list(value) if kind != "schedule" and isinstance(value, (list, tuple)) else [value]
        match kind:
            case "interval":
                return [IntervalSchedule(_duration(item), _moment(self.anchor_date), self.timezone) for item in items]
            case "cron":
                return [CronSchedule(item, self.timezone) for item in items]
            case "rrule":
                return [RRuleSchedule(item, self.timezone) for item in items]
            case "schedules" if not isinstance(value, (list, tuple)):
                raise ValueError(f"schedules is a list, not {type(value).__name__}; give one schedule as schedule=")
            case _:
                return items


def deployment_schedule(item: Any) -> DeploymentSchedule:
    """One item of `schedules`: a schedule, a schedule for a deployment, or a mapping with `schedule` and optionally `active`, `parameters`
    and `slug`. ValueError when it is none of them or counts its occurrences."""
    if isinstance(item, DeploymentSchedule):
        return _countless(item)
    if isinstance(item, (IntervalSchedule, CronSchedule, RRuleSchedule)):
        return _countless(DeploymentSchedule(item))
    if isinstance(item, Mapping):
        return _countless(_of_mapping(dict(item)))
    raise ValueError(f"{item!r} is no schedule; use Interval(), Cron() or RRule() of flowhand.schedules")


def _of_mapping(item: dict[str, Any]) -> DeploymentSchedule:
    schedule = item.pop("schedule", None)
    if schedule is None:
        raise ValueError("a schedule given as a mapping has a key 'schedule'")
    unknown = item.keys() - {"active", "parameters", "slug"}
    if unknown:
        raise ValueError(f"a schedule has no {', '.join(sorted(unknown))}; it has schedule, active, parameters and slug")
    if isinstance(schedule, Mapping):
        schedule = schedule_of_mapping(schedule)
    active = item.get("active")
    return DeploymentSchedule(schedule, True if active is None else bool(active), dict(item.get("parameters") or {}), item.get("slug"))


def schedule_of_mapping(schedule: Mapping[str, Any]) -> Schedule:
    """A schedule from its wire form. ValueError when it is none."""
    given = {key: value for key, value in schedule.items() if value is not None}
    try:
        if "interval" in given:
            given |= {"interval": _duration(given["interval"]), "anchor_date": _moment(given.get("anchor_date"))}
            return IntervalSchedule(**given)
        return CronSchedule(**given) if "cron" in given else RRuleSchedule(**given)
    except TypeError as error:
        raise ValueError(f"{dict(schedule)!r} is no schedule: {error}") from None


def _countless(item: DeploymentSchedule) -> DeploymentSchedule:
    rule = item.schedule
    if isinstance(rule, RRuleSchedule) and has_count(rule.rrule):
        raise ValueError(
            f"rrule is {rule.rrule!r}: COUNT is not supported in a deployment; end the rule with UNTIL, "
            "or plan a fixed number of runs with the deployment's schedule endpoint"
        )
    return item


def _duration(value: Any) -> timedelta | float:
    if isinstance(value, bool) or not isinstance(value, (int, float, timedelta)):
        raise ValueError(f"interval is {value!r}; it is a number of seconds or a timedelta")
    return value


def _moment(value: datetime | str | None) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
