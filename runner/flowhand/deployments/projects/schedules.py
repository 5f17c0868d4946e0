"""Schedules as project files write them: the rule, its zone, and what belongs to the deployment in one mapping."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from flowhand.deployments.schedule_arguments import schedule_of_mapping
from flowhand.schedules import DeploymentSchedule

_KINDS = ("cron", "interval", "rrule")


def schedule_of(given: dict[str, Any]) -> DeploymentSchedule:
    """A schedule of a deployment. ValueError for none or several of cron, interval and rrule, or for one that is wrong.

    An interval is a number of seconds, `HH:MM:SS` or a duration of ISO 8601. A rule with COUNT is taken.
    """
    kinds = [kind for kind in _KINDS if given.get(kind) not in (None, "")]
    if len(kinds) != 1:
        given_here = f"{' and '.join(kinds)} were" if kinds else "none of them was"
        raise ValueError(f"a schedule has one of cron, interval and rrule; here {given_here} given")
    rule = {name: value for name, value in given.items() if name not in ("active", "parameters", "slug", "replaces")}
    if kinds == ["interval"]:
        rule["interval"] = _interval(rule["interval"])
        if isinstance(rule.get("anchor_date"), datetime):
            rule["anchor_date"] = rule["anchor_date"].isoformat()
    if kinds == ["rrule"]:
        rule |= _rrule(str(rule["rrule"]))
    active = given.get("active")
    return DeploymentSchedule(
        schedule_of_mapping(rule),
        True if active is None else _flag(active, "active"),
        dict(given.get("parameters") or {}),
        given.get("slug"),
    )


def _interval(value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().replace(".", "", 1).isdecimal():
        return float(value)
    try:
        return TypeAdapter(timedelta).validate_python(value).total_seconds()
    except ValidationError:
        raise ValueError(f"interval is {value!r}; write seconds, HH:MM:SS or a duration such as PT1H30M") from None


def _rrule(text: str) -> dict[str, Any]:
    """Also as JSON with `rrule` and `timezone`."""
    try:
        found = json.loads(text)
    except ValueError:
        return {"rrule": text}
    return found if isinstance(found, dict) else {"rrule": text}


def _flag(value: Any, name: str) -> bool:
    try:
        return TypeAdapter(bool).validate_python(value)
    except ValidationError:
        raise ValueError(f"{name} is {value!r}; it is true or false") from None
