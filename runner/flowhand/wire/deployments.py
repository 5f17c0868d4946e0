"""Bodies of `/deployments` (contract 2.1, 6.1)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from flowhand.wire.body import Answer, Entity, Id, Labels, Moment, Positive, Query, Request
from flowhand.wire.concurrency import GlobalLimit
from flowhand.wire.deployment_schedules import DeploymentSchedule, DeploymentScheduleCreate, DeploymentScheduleUpdate, Schedule
from flowhand.wire.flow_runs import CreatedBy, FlowRunPolicy
from flowhand.wire.transitions import StateCreate

PullSteps = list[dict[str, Any]]


class ConcurrencyOptions(Answer):
    """What happens to a run above its deployment's limit, and how long its first lease lasts (seconds)."""

    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"]
    grace_period_seconds: Annotated[int, Field(ge=60, le=86400)] | None = None


class VersionInfo(Answer):
    """Where a deployment's version comes from."""

    model_config = ConfigDict(extra="allow")

    type: str
    version: str


class _Limited(Request):
    """What is limited has either a number of its own or a limit that it shares."""

    concurrency_limit: Positive | None = None
    concurrency_options: ConcurrencyOptions | None = None
    global_concurrency_limit_id: Id | None = None

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if self.concurrency_limit is not None and self.global_concurrency_limit_id is not None:
            raise ValueError("A deployment has either a concurrency limit of its own or a global one, not both.")
        return self


class DeploymentCreate(_Limited):
    """A deployment, known by flow and name: posting it again replaces what it holds, its schedules included."""

    name: str
    flow_id: Id
    paused: bool = False
    schedules: list[DeploymentScheduleCreate] = Field(default_factory=list)
    enforce_parameter_schema: bool = True
    parameter_openapi_schema: dict[str, Any] | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    tags: list[str] = Field(default_factory=list)
    labels: Labels | None = None
    pull_steps: PullSteps | None = None
    work_pool_name: str | None = None
    work_queue_name: str | None = None
    storage_document_id: Id | None = None
    infrastructure_document_id: Id | None = None
    description: str | None = None
    path: str | None = None
    version: str | None = None
    entrypoint: str | None = None
    job_variables: dict[str, Any] = Field(default_factory=dict)
    version_info: VersionInfo | None = None
    manifest_path: str | None = None
    """Of the older, block-based deployments."""
    schedule: Schedule | None = None
    """Of 2.x clients: becomes one entry of `schedules`, active as `is_schedule_active` says."""
    is_schedule_active: bool | None = None
    infra_overrides: dict[str, Any] | None = None
    """The older name of `job_variables`."""


class DeploymentUpdate(_Limited):
    """Changes to a deployment. What is present is set, null included."""

    paused: bool = False
    schedules: list[DeploymentScheduleUpdate] = Field(default_factory=list)
    enforce_parameter_schema: bool | None = None
    parameter_openapi_schema: dict[str, Any] | None = None
    parameters: dict[str, Any] | None = None
    tags: list[str] = Field(default_factory=list)
    pull_steps: PullSteps | None = None
    work_pool_name: str | None = None
    work_queue_name: str | None = None
    storage_document_id: Id | None = None
    infrastructure_document_id: Id | None = None
    description: str | None = None
    path: str | None = None
    version: str | None = None
    entrypoint: str | None = None
    job_variables: dict[str, Any] | None = None
    version_info: VersionInfo | None = None
    manifest_path: str | None = None
    schedule: Schedule | None = None
    is_schedule_active: bool | None = None
    infra_overrides: dict[str, Any] | None = None


class Deployment(Entity):
    """A deployment."""

    name: str
    flow_id: str
    version: str | None = None
    description: str | None = None
    paused: bool = False
    schedules: list[DeploymentSchedule] = Field(default_factory=list)
    concurrency_limit: int | None = None
    """Always null: the number stands in `global_concurrency_limit`."""
    global_concurrency_limit: GlobalLimit | None = None
    concurrency_options: ConcurrencyOptions | None = None
    job_variables: dict[str, Any] = Field(default_factory=dict)
    parameters: dict[str, Any] = Field(default_factory=dict)
    tags: list[str] = Field(default_factory=list)
    labels: Labels = Field(default_factory=dict)
    work_queue_name: str | None = None
    work_queue_id: str | None = None
    work_pool_name: str | None = None
    last_polled: datetime | None = None
    parameter_openapi_schema: dict[str, Any] | None = None
    path: str | None = None
    pull_steps: PullSteps | None = None
    entrypoint: str | None = None
    manifest_path: str | None = None
    storage_document_id: str | None = None
    infrastructure_document_id: str | None = None
    created_by: CreatedBy | None = None
    updated_by: CreatedBy | None = None
    status: Literal["READY", "NOT_READY"] | None = "NOT_READY"
    enforce_parameter_schema: bool = True


class DeploymentFlowRunCreate(Request):
    """A run of a deployment. Parameters, tags, labels and variables are laid over the deployment's."""

    state: StateCreate | None = None
    name: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    enforce_parameter_schema: bool | None = None
    context: dict[str, Any] = Field(default_factory=dict)
    infrastructure_document_id: Id | None = None
    empirical_policy: FlowRunPolicy = Field(default_factory=FlowRunPolicy)
    tags: list[str] = Field(default_factory=list)
    idempotency_key: str | None = None
    parent_task_run_id: Id | None = None
    work_queue_name: str | None = None
    job_variables: dict[str, Any] | None = None
    labels: Labels | None = None


class BulkRunResult(Answer):
    """What became of one run of a bulk creation."""

    status: Literal["CREATED", "FAILED"]
    flow_run_id: str | None = None
    error: str | None = None


class DueForDeployments(Query):
    """Asks for the due runs of deployments."""

    deployment_ids: list[Id]
    scheduled_before: Moment | None = None
    limit: int | None = None


class ScheduleNow(Query):
    """Asks the scheduler to plan a deployment's runs at once."""

    start_time: Moment | None = None
    end_time: Moment | None = None
    min_time: float | None = None
    """Seconds that the planned runs shall cover at least."""
    min_runs: int | None = None
    max_runs: int | None = None
