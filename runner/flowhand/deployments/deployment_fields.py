"""What the fields of an older `Deployment` take, and how each is written as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, ValidationError

from flowhand.blocks.block import Block
from flowhand.blocks.capabilities import GET_DIRECTORY, RUN_INFRASTRUCTURE, require
from flowhand.blocks.registry import class_of, is_block_class
from flowhand.deployments.schedule_arguments import deployment_schedule, schedule_of_mapping
from flowhand.errors import BlockMissingCapabilities, FlowhandError
from flowhand.events.triggers import deployment_trigger
from flowhand.events.words import in_one_line
from flowhand.schedules import DeploymentSchedule, Schedule

TYPE_SLUG: Final = "_block_type_slug"
DOCUMENT_NAME: Final = "_block_document_name"
_ABOUT_DOCUMENT: Final = frozenset({TYPE_SLUG, DOCUMENT_NAME, "_block_document_id", "_is_anonymous", "block_type_slug"})
EMPTY_SCHEMA: Final[dict[str, Any]] = {"title": "Parameters", "type": "object", "properties": {}}


class WrongField(ValueError):
    """A value that a field of a `Deployment` does not take, in one line. `place` leads to it."""

    def __init__(self, kind: str, error: ValidationError) -> None:
        super().__init__(f"{kind}: {in_one_line(error)}")
        self.place = error.errors(include_url=False, include_input=False)[0]["loc"]
        self.words = in_one_line(error)


def block_of_mapping(given: Mapping[str, Any]) -> Block:
    """A block that was written as a mapping, from what stands there. ValueError when its type is not said or not known."""
    slug = given.get(TYPE_SLUG) or given.get("block_type_slug")
    if not slug:
        raise ValueError(f"a block that is written as a mapping says of which type it is: {TYPE_SLUG}: local-file-system")
    try:
        kind = class_of(str(slug))
    except FlowhandError as error:
        raise ValueError(str(error)) from None
    return kind.model_validate({name: value for name, value in given.items() if name not in _ABOUT_DOCUMENT})


def _block(value: Any, capability: str) -> Block:
    made = block_of_mapping(value) if isinstance(value, Mapping) else value
    if not is_block_class(type(made)):
        raise ValueError(f"{value!r} is no block")
    try:
        require(made, capability)
    except BlockMissingCapabilities as error:
        raise ValueError(str(error)) from None
    return made


def _infrastructure(value: Any) -> Block:
    return _block(value, RUN_INFRASTRUCTURE)


def _storage(value: Any) -> Block | None:
    return None if value is None else _block(value, GET_DIRECTORY)


def _schedule(value: Any) -> Schedule | None:
    if value is None:
        return None
    given = schedule_of_mapping(value) if isinstance(value, Mapping) else value
    if isinstance(given, DeploymentSchedule):
        raise ValueError("a schedule with parameters or a slug goes into schedules=[...]")
    return deployment_schedule(given).schedule


def _schedules(value: Any) -> list[DeploymentSchedule]:
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise ValueError(f"schedules is a list, not {type(value).__name__}")
    return [deployment_schedule(item) for item in value]


def _triggers(value: Any) -> list[Any]:
    try:
        return [deployment_trigger(item) for item in value or ()]
    except TypeError as error:
        raise ValueError(str(error)) from None


def _schema(value: Any) -> dict[str, Any]:
    return dict(EMPTY_SCHEMA if value is None else value)


InfrastructureField = Annotated[Any, BeforeValidator(_infrastructure)]
StorageField = Annotated[Any, BeforeValidator(_storage)]
ScheduleField = Annotated[Any, BeforeValidator(_schedule)]
SchedulesField = Annotated[list[Any], BeforeValidator(_schedules)]
TriggersField = Annotated[list[Any], BeforeValidator(_triggers)]
SchemaField = Annotated[dict[str, Any], BeforeValidator(_schema)]


def schedules_of(deployment_schedules: Sequence[Mapping[str, Any]]) -> list[DeploymentSchedule]:
    """The schedules of a deployment as the API has it, each with whether it is active."""
    return [
        DeploymentSchedule(
            schedule_of_mapping(item["schedule"]), bool(item.get("active", True)), dict(item.get("parameters") or {}), item.get("slug")
        )
        for item in deployment_schedules
    ]
