"""From a deployment as it was written to one that can be applied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from flowhand.deployments.projects.project_deployment import ProjectDeployment
from flowhand.deployments.projects.project_file import Entry, Steps
from flowhand.deployments.projects.schedules import schedule_of
from flowhand.deployments.runner_deployment import ConcurrencyLimit
from flowhand.deployments.triggers import automations_of
from flowhand.errors import ProjectError
from flowhand.schedules import DeploymentSchedule
from flowhand.sdk.flow import Flow


def assemble(entry: Entry, flow: Flow[..., Any], pull: Steps) -> ProjectDeployment:
    """The deployment. ProjectError with the line of the field that is wrong."""
    given, pool = entry.given, _mapping(entry, "work_pool")
    try:
        made = ProjectDeployment(
            name=_text(entry, "name") or "",
            flow_name=flow.name,
            description=_text(entry, "description") or flow.description,
            version=_text(entry, "version") or flow.version,
            tags=_tags(entry),
            ready_schedules=_schedules(entry),
            is_schedule_active=given.get("is_schedule_active"),
            paused=given.get("paused"),
            parameters=_mapping(entry, "parameters"),
            entrypoint=given.get("entrypoint"),
            triggers=list(given.get("triggers") or ()),
            enforce_parameter_schema=given.get("enforce_parameter_schema") is not False,
            pull=pull,
            work_pool_name=pool.get("name"),
            work_queue_name=pool.get("work_queue_name"),
            job_variables=dict(pool.get("job_variables") or {}),
            concurrency_limit=_limit(entry),
            parameter_openapi_schema=flow.parameters,
        )
    except ProjectError:
        raise
    except (TypeError, ValueError) as error:
        raise entry.error(str(error)) from None
    _check_triggers(entry, made)
    return made


def _text(entry: Entry, name: str) -> str | None:
    value = entry.given.get(name)
    if isinstance(value, (Mapping, list, bool)):
        raise entry.error(f"{name} is {value!r}; it is text", name)
    return None if value is None else str(value)


def _mapping(entry: Entry, name: str) -> dict[str, Any]:
    value = entry.given.get(name) or {}
    if not isinstance(value, Mapping):
        raise entry.error(f"{name} is {value!r}; it is a mapping", name)
    return dict(cast("Mapping[str, Any]", value))


def _tags(entry: Entry) -> list[str]:
    value = entry.given.get("tags") or []
    return [value] if isinstance(value, str) else [str(tag) for tag in value]


def _schedules(entry: Entry) -> list[DeploymentSchedule] | None:
    listed = entry.given.get("schedules")
    if listed is None:
        return None
    made: list[DeploymentSchedule] = []
    for number, one in enumerate(listed):
        if not one:  # `schedule: {}`, as templates of project files have it
            continue
        try:
            made.append(schedule_of(dict(one)))
        except (TypeError, ValueError) as error:
            raise entry.error(str(error), "schedules", number) from None
    return made


def _limit(entry: Entry) -> int | ConcurrencyLimit | None:
    given = entry.given.get("concurrency_limit")
    if given is None or given == {}:
        return None
    try:
        if isinstance(given, Mapping):
            return ConcurrencyLimit(**{str(name): value for name, value in given.items() if value is not None})
        number: Any = int(given) if isinstance(given, str) and given.isdecimal() else given
        return ConcurrencyLimit(number).limit
    except (TypeError, ValueError) as error:
        raise entry.error(str(error), "concurrency_limit") from None


def _check_triggers(entry: Entry, made: ProjectDeployment) -> None:
    try:
        automations_of(made.name, made.triggers)
    except (TypeError, ValueError) as error:
        raise entry.error(str(error), "triggers") from None
