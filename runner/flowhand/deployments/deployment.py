"""`Deployment`: the older, block-based kind. Deprecated, and working; `flow.deploy` is what new scripts use."""

from __future__ import annotations

import asyncio
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flowhand.blocks import errands
from flowhand.blocks.block import Block
from flowhand.blocks.capabilities import PUT_DIRECTORY, can, require
from flowhand.blocks.documents import document_id_of
from flowhand.blocks.infrastructure import Process
from flowhand.deployments import deployment_yaml
from flowhand.deployments.api import perform
from flowhand.deployments.deployment_api import Application, read, refused
from flowhand.deployments.deployment_fields import (
    EMPTY_SCHEMA,
    InfrastructureField,
    ScheduleField,
    SchedulesField,
    SchemaField,
    StorageField,
    TriggersField,
    WrongField,
)
from flowhand.deployments.deployment_upload import ensure_ignore_file, upload
from flowhand.deployments.entrypoints import entrypoint_of
from flowhand.deployments.projects.located import read_yaml
from flowhand.errors import ApiError
from flowhand.events.words import unknown_field
from flowhand.sdk.dual import dual
from flowhand.sdk.flow import Flow

IMAGE_PATH = "/opt/prefect/flows"
"""Where the code is in images of older deployments."""
_OLDER_NAME = "infra_overrides"


class Deployment(BaseModel):
    """A deployment whose storage and infrastructure are blocks. Known to the API once it was applied.

    Its runs are executed by any worker of its work pool; without one, by workers of `default-agent-pool`, as the infrastructure block says.
    `build_from_flow`, `load`, `update`, `upload_to_storage`, `apply`, `to_yaml` and `load_from_yaml` are plain in plain code and awaited in
    async code. Unknown fields and wrong values are ValueErrors, also when they are assigned.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True, hide_input_in_errors=True)

    name: str = Field(min_length=1)
    version: str | None = None
    description: str | None = None
    tags: list[str] = Field(default_factory=list[str])
    schedule: ScheduleField = None
    schedules: SchedulesField = Field(default_factory=list[Any])
    is_schedule_active: bool | None = None
    work_queue_name: str | None = "default"
    work_pool_name: str | None = None
    flow_name: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict[str, Any])
    manifest_path: str | None = None
    infrastructure: InfrastructureField = Field(default_factory=Process)
    job_variables: dict[str, Any] = Field(default_factory=dict[str, Any])
    storage: StorageField = None
    path: str | None = None
    entrypoint: str | None = None
    parameter_openapi_schema: SchemaField = Field(default_factory=lambda: dict(EMPTY_SCHEMA))
    timestamp: datetime = Field(default_factory=lambda: datetime.now(UTC))
    triggers: TriggersField = Field(default_factory=list[Any])
    enforce_parameter_schema: bool | None = None

    def __init__(self, **fields: Any) -> None:
        warnings.warn("Deployment is deprecated; deploy with flow.deploy(...) or flow.serve(...)", DeprecationWarning, stacklevel=2)
        for name in fields.keys() - type(self).model_fields.keys() - {_OLDER_NAME}:
            raise ValueError(unknown_field(type(self).__name__, name, type(self).model_fields))
        try:
            super().__init__(**_with_job_variables(fields))
        except ValidationError as error:
            raise WrongField(type(self).__name__, error) from None

    def __setattr__(self, name: str, value: Any) -> None:
        try:
            super().__setattr__(name, value)
        except ValidationError as error:
            raise WrongField(type(self).__name__, error) from None

    @property
    def infra_overrides(self) -> dict[str, Any]:
        """The older name of `job_variables`."""
        _warn_of_older_name(3)
        return self.job_variables

    @infra_overrides.setter
    def infra_overrides(self, value: dict[str, Any]) -> None:
        _warn_of_older_name(6)  # pydantic stands between
        self.job_variables = value

    @property
    def full_name(self) -> str:
        """`flow/deployment`."""
        return f"{self.flow_name}/{self.name}"

    @property
    def location(self) -> str:
        """Where the code is: the storage's place and the path in it, joined by one slash; without storage the path."""
        path = self.path or ""
        if self.storage is None:
            return path
        base = next((str(place) for name in ("basepath", "bucket_path") if (place := getattr(self.storage, name, None))), "")
        return f"{base.rstrip('/')}/{path.lstrip('/')}" if base else path

    # --- made and brought up to date -------------------------------------------------------------------------------------------------

    @classmethod
    @dual
    async def build_from_flow(
        cls,
        flow: Flow[..., Any],
        name: str,
        output: str | Path | None = None,
        skip_upload: bool = False,
        ignore_file: str | None = None,
        apply: bool = False,
        load_existing: bool = True,
        schedules: list[Any] | None = None,
        *,
        client: Any = None,
        **fields: Any,
    ) -> Deployment:
        """A deployment of a flow; `fields` are those of this class. With `load_existing` what the API has fills what was not given.

        The code is uploaded when the storage takes folders, unless `skip_upload`; an ignore file is made where there is none. With `output`
        the deployment is written there as YAML, with `apply` it is applied. ValueError for an empty name, or a flow that is in no file.
        """
        if not name:
            raise ValueError("a deployment needs a name: Deployment.build_from_flow(flow, name='nightly')")
        entrypoint = fields.pop("entrypoint", None) or entrypoint_of(flow)
        given = fields if schedules is None else fields | {"schedules": schedules}
        made = cls(**{"name": name, **given, "flow_name": flow.name, "entrypoint": entrypoint})
        if load_existing:
            await made._load()
        made._take_from_flow(flow, frozenset(given))
        ensure_ignore_file(Path.cwd())
        if not skip_upload and can(made.storage, PUT_DIRECTORY):
            await made._upload(ignore_file=ignore_file)
        if output is not None:
            await made._write(output)
        if apply:
            await made._apply()
        return made

    def _take_from_flow(self, flow: Flow[..., Any], given: frozenset[str]) -> None:
        self.parameter_openapi_schema = flow.parameters
        for name, value in (("version", flow.version), ("description", flow.description)):
            if value is not None and name not in given:
                setattr(self, name, value)
        if self.storage is None and not self.path:
            self.path = IMAGE_PATH if hasattr(self.infrastructure, "image") else str(Path.cwd())

    @dual
    async def load(self, *, client: Any = None) -> bool:
        """Fills the fields that were not given from what the API has, its blocks with their secrets; whether it has the deployment.

        `timestamp`, `triggers` and `enforce_parameter_schema` stay as they are. ValueError unless name and flow name are set.
        """
        return await self._load()

    async def _load(self) -> bool:
        self._check_names()
        known = await perform(read(self.full_name))
        if known is None:
            return False
        given = set(self.model_fields_set)
        if "schedules" in given:
            self.schedule = self.is_schedule_active = None
        elif "schedule" in given:
            given.add("schedules")
        for name, value in known.items():
            if name not in given:
                setattr(self, name, value)
        return True

    @dual
    async def update(self, ignore_none: bool = False, **fields: Any) -> None:
        """Assigns fields; with `ignore_none` those that are not None. ValueError lists the names that are unknown."""
        unknown = fields.keys() - type(self).model_fields.keys() - {_OLDER_NAME}
        if unknown:
            raise ValueError(f"a Deployment has no {', '.join(sorted(unknown))}; it has {', '.join(type(self).model_fields)}")
        for name, value in _with_job_variables(fields).items():
            if value is not None or not ignore_none:
                setattr(self, name, value)

    # --- the code --------------------------------------------------------------------------------------------------------------------

    @dual
    async def upload_to_storage(self, storage_block: str | None = None, ignore_file: str | None = None) -> int | None:
        """Puts the working directory into the storage, at `path` in it; how many files, None without any storage.

        `storage_block` is `type-slug/name` and becomes the deployment's storage. Storage that is not saved is then saved anonymously.
        BlockMissingCapabilities for a block that takes no folders.
        """
        return await self._upload(storage_block, ignore_file)

    async def _upload(self, storage_block: str | None = None, ignore_file: str | None = None) -> int | None:
        if storage_block is not None:
            found = await perform(errands.load(Block, storage_block))
            require(found, PUT_DIRECTORY)
            self.storage = found
        if self.storage is None:
            return None
        require(self.storage, PUT_DIRECTORY)
        count = await asyncio.to_thread(upload, self.storage, self.path, ignore_file)
        if document_id_of(self.storage) is None:
            await perform(errands.save(self.storage, is_anonymous=True))
        return count

    # --- the API ---------------------------------------------------------------------------------------------------------------------

    @dual
    async def apply(self, upload: bool = False, work_queue_concurrency: int | None = None, *, client: Any = None) -> str:
        """Creates the deployment or brings it up to date, and answers its id. Idempotent.

        `work_queue_concurrency` becomes the limit of its queue. ValueError unless name and flow name are set; DeploymentApplyError when
        the API refuses.
        """
        return await self._apply(upload, work_queue_concurrency)

    async def _apply(self, upload: bool = False, work_queue_concurrency: int | None = None) -> str:
        self._check_names()
        application = Application(self)
        try:
            flow_id, infrastructure_id = await perform(application.flow_and_infrastructure())
            if upload:
                await self._upload()
            return await perform(application.the_rest(flow_id, infrastructure_id, work_queue_concurrency))
        except ApiError as error:
            raise refused(self, error) from error

    def _check_names(self) -> None:
        if not self.name or not self.flow_name:
            raise ValueError("a deployment needs its name and its flow's: Deployment(name=..., flow_name=...)")

    # --- files -----------------------------------------------------------------------------------------------------------------------

    @dual
    async def to_yaml(self, path: str | Path) -> None:
        """Writes it to a file, to be edited and read again. ValueError for a block with secrets that is not saved."""
        await self._write(path)

    async def _write(self, path: str | Path) -> None:
        text = deployment_yaml.as_text(self)
        await asyncio.to_thread(Path(path).write_text, text, encoding="utf-8")

    @classmethod
    @dual
    async def load_from_yaml(cls, path: str | Path) -> Self:
        """The deployment that a file describes. Blocks with a document name come from the API, others from the file.

        DeploymentFileError (a ValueError) or ProjectError, with the line, for wrong fields and what is no YAML; BlockNotFound.
        """
        found = await asyncio.to_thread(read_yaml, Path(path))
        return deployment_yaml.made_of(cls, await deployment_yaml.with_blocks(deployment_yaml.fields_of(found)), found)


def _with_job_variables(fields: dict[str, Any]) -> dict[str, Any]:
    """The older name read as what it is called now. ValueError when both are given."""
    if _OLDER_NAME not in fields:
        return fields
    if fields.get("job_variables"):
        raise ValueError("job_variables and infra_overrides were both given; infra_overrides is the older name of job_variables")
    _warn_of_older_name(4)
    rest = {name: value for name, value in fields.items() if name != _OLDER_NAME}
    return rest | {"job_variables": fields[_OLDER_NAME] or {}}


def _warn_of_older_name(level: int) -> None:
    warnings.warn("infra_overrides is now called job_variables", DeprecationWarning, stacklevel=level)
