"""An older `Deployment` as a YAML file: what a person may edit first, the rest below a line."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import yaml
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

from flowhand.blocks import errands
from flowhand.blocks.block import Block
from flowhand.blocks.documents import document_id_of, document_name_of
from flowhand.blocks.registry import is_block_class
from flowhand.blocks.secret_types import secret_paths, secret_texts
from flowhand.deployments.api import perform
from flowhand.deployments.deployment_fields import DOCUMENT_NAME, TYPE_SLUG, WrongField, block_of_mapping
from flowhand.deployments.projects.located import Located
from flowhand.errors import ProjectError
from flowhand.events.words import unknown_field
from flowhand.schedules import DeploymentSchedule

if TYPE_CHECKING:
    from flowhand.deployments.deployment import Deployment

D = TypeVar("D", bound="Deployment")
OVERRIDES: Final = "infra_overrides"
_EDITABLE: Final = (
    *("name", "description", "version", "work_queue_name", "work_pool_name", "tags", "parameters", "schedule", "schedules"),
    *("is_schedule_active", OVERRIDES),
)
_COMMENTS: Final = {"work_queue_name": "The work queue that takes the runs of this deployment"}
_BLOCKS: Final = ("storage", "infrastructure")


class DeploymentFileError(ProjectError, ValueError):
    """A file does not describe a deployment; the text begins with the file and the line."""


# --- written --------------------------------------------------------------------------------------------------------------------------


def as_text(deployment: Deployment) -> str:
    """The file's text. ValueError for a block with secrets that is not saved: they do not belong in a file."""
    fields: dict[str, Any] = {name: getattr(deployment, name) for name in type(deployment).model_fields}
    fields[OVERRIDES] = fields.pop("job_variables")
    first = [*_EDITABLE, *(["infrastructure"] if document_id_of(deployment.infrastructure) is None else [])]
    parts = [f"###\n### The deployment {deployment.name!r} of flow {deployment.flow_name!r}\n###\n"]
    for name in first:
        parts += [f"# {_COMMENTS[name]}\n"] if name in _COMMENTS else []
        parts.append(_dumped({name: fields.pop(name)}))
    return "".join([*parts, "\n###\n### DO NOT EDIT BELOW THIS LINE\n###\n", _dumped(fields)])


def _dumped(fields: Mapping[str, Any]) -> str:
    data = {name: _plain(value, name) for name, value in fields.items()}
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)


def _plain(value: Any, name: str) -> Any:
    """As YAML can say it. TypeError for what it cannot."""
    if is_block_class(type(value)):
        return _block(value, name)
    if isinstance(value, DeploymentSchedule):
        return value.wire()
    if hasattr(value, "wire"):
        return value.wire()
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True, serialize_as_any=True)
    if isinstance(value, Mapping):
        return {str(key): _plain(item, name) for key, item in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, name) for item in cast("list[Any]", value)]
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | int | float | bool | datetime):
        return value
    return str(value)


def _block(block: Block, name: str) -> dict[str, Any]:
    """A saved block's secrets stay at the API, from where it is read again."""
    saved = document_name_of(block)
    if not saved and secret_paths(type(block)) and any(secret_texts(block)):
        slug = block.get_block_type_slug()
        raise ValueError(f"the {name} block ({slug}) holds secrets, which do not belong in a file: save it first, block.save('my-{slug}')")
    data: dict[str, Any] = {}
    for field, about in type(block).model_fields.items():
        try:
            data[about.alias or field] = block.model_dump(mode="json", include={field}, by_alias=True).popitem()[1]
        except (PydanticSerializationError, KeyError):
            continue  # an open handle, such as a connection
    data = {field: _plain(value, name) for field, value in data.items()}
    about_document: dict[str, Any] = {TYPE_SLUG: block.get_block_type_slug()}
    if saved:
        about_document |= {"_block_document_id": str(document_id_of(block)), DOCUMENT_NAME: saved, "_is_anonymous": block.is_anonymous}
    return data | about_document


# --- read -----------------------------------------------------------------------------------------------------------------------------


def fields_of(found: Located) -> dict[str, Any]:
    """What a document holds as fields of a `Deployment`, its blocks still mappings. Job variables may stand under either name.

    DeploymentFileError for what is no mapping, or has job variables under both names.
    """
    if not isinstance(found.data, dict):
        raise DeploymentFileError(f"{found.where()}: a deployment is a mapping of its fields, such as name: nightly")
    fields = dict(cast("dict[str, Any]", found.data))
    if fields.get("infrastructure", ...) is None:
        del fields["infrastructure"]
    if OVERRIDES in fields:
        overrides = fields.pop(OVERRIDES)
        if overrides and fields.get("job_variables"):
            raise DeploymentFileError(
                f"{found.where(OVERRIDES)}: infra_overrides is the older name of job_variables, which is there as well"
            )
        fields["job_variables"] = overrides or fields.get("job_variables") or {}
    return fields


def made_of(kind: type[D], fields: Mapping[str, Any], found: Located) -> D:
    """The deployment of these fields. DeploymentFileError names the line of the first that is wrong."""
    for name in fields.keys() - kind.model_fields.keys():
        raise DeploymentFileError(f"{found.where(name)}: {unknown_field(kind.__name__, name, kind.model_fields)}")
    try:
        return kind(**fields)
    except WrongField as error:
        raise DeploymentFileError(f"{found.where(*error.place)}: {error.words}") from None


async def with_blocks(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with each block that has a document name as the API has it, secrets included, and others built from what stands there.

    The API is asked for saved blocks alone. BlockNotFound, UnknownBlockType; ValueError for a block of no type.
    """
    made = dict(fields)
    for name in _BLOCKS:
        given = made.get(name)
        if isinstance(given, Mapping):
            mapping = cast("Mapping[str, Any]", given)
            saved = mapping.get(DOCUMENT_NAME)
            found = await perform(errands.load(Block, f"{mapping.get(TYPE_SLUG)}/{saved}")) if saved else block_of_mapping(mapping)
            made[name] = found
    return made
