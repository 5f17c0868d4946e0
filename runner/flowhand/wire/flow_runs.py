"""Bodies of `/flow_runs` (contract 2.2, 4)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field, model_validator

from flowhand.wire.body import Answer, Entity, Id, Labels, Part, Query, Request
from flowhand.wire.states import StateType
from flowhand.wire.transitions import OrchestrationResult, State, StateCreate


class RetryPolicy(Answer):
    """How often a run is tried again and after how many seconds, each by its name of today and by its older one."""

    max_retries: int = 0
    retry_delay_seconds: float = 0.0
    retries: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _by_older_names(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        policy: dict[str, Any] = dict(given)
        for name, older in (("retries", "max_retries"), ("retry_delay", "retry_delay_seconds")):
            if policy.get(name) is None and policy.get(older) and cls._takes(policy[older]):
                policy[name] = policy[older]
        return policy

    @classmethod
    def _takes(cls, value: Any) -> bool:
        """Whether the name of today has room for it."""
        return True


class FlowRunPolicy(RetryPolicy):
    """How a run is retried, and what the server remembers of its pauses. `retry_delay` is whole seconds; what is finer stands in
    `retry_delay_seconds` alone."""

    retry_delay: int | None = None
    pause_keys: list[str] | None = Field(default_factory=list)
    resuming: bool | None = False
    retry_type: Literal["in_process", "reschedule"] | None = None

    @classmethod
    def _takes(cls, value: Any) -> bool:
        return not isinstance(value, float) or value.is_integer()


class CreatedBy(Answer):
    """Who made a thing: a schedule, an automation, a person."""

    id: Id | None = None
    type: str | None = None
    display_value: str | None = None


class FlowRunCreate(Request):
    """A run of a flow, of a deployment or ad hoc."""

    flow_id: Id
    state: StateCreate | None = None
    name: str | None = None
    deployment_id: Id | None = None
    flow_version: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    context: dict[str, Any] = Field(default_factory=dict)
    parent_task_run_id: Id | None = None
    infrastructure_document_id: Id | None = None
    empirical_policy: FlowRunPolicy = Field(default_factory=FlowRunPolicy)
    tags: list[str] = Field(default_factory=list)
    labels: Labels | None = None
    idempotency_key: str | None = None
    work_pool_name: str | None = None
    work_queue_name: str | None = None
    job_variables: dict[str, Any] | None = None


class FlowRunUpdate(Request):
    """Changes to a run. What is present is set, null included."""

    name: str | None = None
    flow_version: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    empirical_policy: FlowRunPolicy = Field(default_factory=FlowRunPolicy)
    tags: list[str] = Field(default_factory=list)
    infrastructure_pid: str | None = None
    job_variables: dict[str, Any] | None = None


class FlowRun(Entity):
    """A run. Durations are seconds."""

    name: str = ""
    flow_id: str
    state_id: str | None = None
    deployment_id: str | None = None
    deployment_version: str | None = None
    work_queue_id: str | None = None
    work_queue_name: str | None = None
    work_pool_id: str | None = None
    work_pool_name: str | None = None
    flow_version: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    idempotency_key: str | None = None
    context: dict[str, Any] = Field(default_factory=dict)
    empirical_policy: FlowRunPolicy = Field(default_factory=FlowRunPolicy)
    tags: list[str] = Field(default_factory=list)
    labels: Labels = Field(default_factory=dict)
    parent_task_run_id: str | None = None
    state_type: StateType | None = None
    state_name: str | None = None
    run_count: int = 0
    expected_start_time: datetime | None = None
    next_scheduled_start_time: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    total_run_time: float = 0.0
    estimated_run_time: float = 0.0
    estimated_start_time_delta: float = 0.0
    auto_scheduled: bool = False
    infrastructure_document_id: str | None = None
    infrastructure_pid: str | None = None
    created_by: CreatedBy | None = None
    state: State | None = None
    job_variables: dict[str, Any] | None = None


class Resume(Query):
    """Resumes a paused run, with the input it waits for."""

    run_input: dict[str, Any] | None = None


class RunInputCreate(Query):
    """Something a run waits to read: `value` is JSON as text."""

    key: str
    value: str
    sender: str | None = None


class RunInputFilter(Query):
    """Asks for a run's inputs by the beginning of their keys."""

    prefix: Part
    limit: int = 1
    exclude_keys: list[str] = Field(default_factory=list)


class RunInput(Entity):
    """An input of a run."""

    flow_run_id: str
    key: str
    value: str
    sender: str | None = None


class BulkOrchestrationResult(OrchestrationResult):
    """What became of a state proposed to one of many runs."""

    flow_run_id: str
