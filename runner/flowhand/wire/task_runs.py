"""Bodies of `/task_runs` (contract 2.5)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field

from flowhand.wire.body import Answer, Entity, Id, Labels, Moment, Query, Request
from flowhand.wire.flow_runs import RetryPolicy
from flowhand.wire.states import StateType
from flowhand.wire.transitions import State, StateCreate

MAX_CACHE_KEY: Final = 2000
"""Characters that a cache key may have."""


class TaskRunPolicy(RetryPolicy):
    """How a task is retried; delays are seconds."""

    retry_delay: int | float | Annotated[list[int | float], Field(max_length=50)] | None = None
    retry_jitter_factor: Annotated[float, Field(ge=0)] | None = None


class TaskInput(Answer):
    """Where an argument of a task came from."""

    input_type: Literal["task_run", "flow_run", "parameter", "constant"]
    id: Id | None = None
    name: str | None = None
    type: str | None = None


class TaskRunCreate(Request):
    """A run of a task, known by flow run, task key and dynamic key."""

    id: Id | None = None
    state: StateCreate | None = None
    name: str | None = None
    flow_run_id: Id | None = None
    task_key: str
    dynamic_key: str
    cache_key: Annotated[str, Field(max_length=MAX_CACHE_KEY)] | None = None
    cache_expiration: Moment | None = None
    task_version: str | None = None
    empirical_policy: TaskRunPolicy = Field(default_factory=TaskRunPolicy)
    tags: list[str] = Field(default_factory=list)
    labels: Labels | None = None
    task_inputs: dict[str, list[TaskInput]] = Field(default_factory=dict)


class TaskRunUpdate(Request):
    """Changes to a task run."""

    name: str | None = None


class TaskRun(Entity):
    """A run of a task. Durations are seconds."""

    name: str = ""
    flow_run_id: str | None = None
    task_key: str
    dynamic_key: str
    cache_key: str | None = None
    cache_expiration: datetime | None = None
    task_version: str | None = None
    empirical_policy: TaskRunPolicy = Field(default_factory=TaskRunPolicy)
    tags: list[str] = Field(default_factory=list)
    labels: Labels | None = None
    state_id: str | None = None
    task_inputs: dict[str, list[TaskInput]] = Field(default_factory=dict)
    state_type: StateType | None = None
    state_name: str | None = None
    run_count: int = 0
    flow_run_run_count: int = 0
    expected_start_time: datetime | None = None
    next_scheduled_start_time: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    total_run_time: float = 0.0
    estimated_run_time: float = 0.0
    estimated_start_time_delta: float = 0.0
    state: State | None = None


class TaskWorker(Answer):
    """Who executes background tasks, and which; `timestamp`: when it was last known to be there."""

    identifier: str
    task_keys: list[str]
    timestamp: Moment


class TaskWorkersQuery(Query):
    """Asks who executes background tasks."""

    class Keys(Query):
        """Task keys of interest."""

        task_keys: list[str]

    task_worker_filter: Keys | None = None
