"""The fields of a project file, and telling of those that are none."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import Any, Final

from flowhand.deployments.projects.located import Located, Place
from flowhand.errors import ProjectError

TOP: Final = frozenset({"name", "prefect-version", "flowhand-version", "description", "build", "push", "pull", "deployments"})
DEPLOYMENT: Final = frozenset(
    {
        "name",
        "version",
        "version_type",
        "tags",
        "description",
        "schedule",
        "schedules",
        "is_schedule_active",
        "paused",
        "concurrency_limit",
        "flow_name",
        "entrypoint",
        "parameters",
        "enforce_parameter_schema",
        "work_pool",
        "build",
        "push",
        "pull",
        "triggers",
        "sla",
    }
)
WORK_POOL: Final = frozenset({"name", "work_queue_name", "job_variables"})
LIMIT: Final = frozenset({"limit", "collision_strategy", "grace_period_seconds"})
SCHEDULE: Final = frozenset(
    {"cron", "interval", "rrule", "timezone", "anchor_date", "day_or", "active", "parameters", "slug", "replaces", "dst_gap", "dst_fold"}
)
SECTIONS: Final = ("build", "push", "pull")


def mapping_at(file: Located, place: Place, what: str) -> dict[str, Any]:
    """The mapping there; nothing counts as an empty one. ProjectError for anything else, and for keys that are not text."""
    found: Any = file.data
    for part in place:
        found = found[part]
    if found is None:
        return {}
    if not isinstance(found, Mapping) or not all(isinstance(key, str) for key in found):
        raise ProjectError(f"{file.where(*place)}: {what} is no mapping of names to values")
    return dict(found)


def check_fields(file: Located, place: Place, given: Collection[str], known: frozenset[str], what: str) -> None:
    """ProjectError with the line of the first field that `what` does not have, and what may have been meant."""
    for name in given:
        if name not in known:
            raise ProjectError(f"{file.where(*place, name)}: {what} has no field {name!r}{_meant(name, known)}")


def check_top(file: Located, given: Collection[str]) -> None:
    """Beside its own fields a file may have others, where its anchors stand. One that looks like a slip of the pen is refused."""
    for name in given:
        if name not in TOP and difflib.get_close_matches(name, TOP, 1, 0.75):
            raise ProjectError(f"{file.where(name)}: the file has no field {name!r}{_meant(name, TOP)}")


def _meant(name: str, known: frozenset[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sorted(known))}"
