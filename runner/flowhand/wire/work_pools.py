"""Bodies of `/work_pools`, `/work_queues` and their workers (contract 5.6, 10)."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field

from flowhand.wire.body import Answer, Count, Entity, Id, Moment, Name, Positive, Query, Request
from flowhand.wire.flow_runs import FlowRun
from flowhand.wire.pool_types import AGENTS

ReadyStatus = Literal["READY", "NOT_READY", "PAUSED"]


_PLACEHOLDER: Final = re.compile(r"\{\{\s*([\w.\-\[\]$]+)\s*\}\}")
_FROM_ELSEWHERE: Final = ("$", "prefect.", "ctx.")
"""How placeholders begin that stand for the environment, for blocks and variables, and for the run."""


def _holds_together(template: dict[str, Any]) -> dict[str, Any]:
    """An empty template, or one whose job is made of variables that it declares."""
    if not template:
        return template
    job, schema = template.get("job_configuration"), template.get("variables")
    if not (isinstance(job, dict) and job and isinstance(schema, dict) and schema):
        raise ValueError("The `base_job_template` must contain both a `job_configuration` key and a `variables` key.")
    properties = schema.get("properties") or {}
    if not isinstance(properties, dict):
        raise ValueError("The properties of the variables schema must be an object.")
    used = set(_PLACEHOLDER.findall(json.dumps(job)))
    unknown = sorted(name for name in used - properties.keys() if not name.startswith(_FROM_ELSEWHERE))
    if unknown:
        raise ValueError(f"The job configuration uses variables that are no properties of the variables schema: {', '.join(unknown)}.")
    return template


JobTemplate = Annotated[dict[str, Any], AfterValidator(_holds_together)]
"""What the jobs of a pool are made of (contract 6.2)."""


class StorageConfiguration(Request):
    """How bundles of code reach the pool's workers."""

    bundle_upload_step: dict[str, Any] | None = None
    bundle_execution_step: dict[str, Any] | None = None
    default_result_storage_block_id: Id | None = None


class WorkPoolCreate(Request):
    """A work pool; its queue `default` comes with it."""

    name: Name
    description: str | None = None
    type: str = AGENTS
    base_job_template: JobTemplate = Field(default_factory=dict)
    is_paused: bool = False
    concurrency_limit: Count | None = None
    storage_configuration: StorageConfiguration = Field(default_factory=StorageConfiguration)


class WorkPoolUpdate(Request):
    """Changes to a work pool. What is present is set, null included."""

    description: str | None = None
    is_paused: bool | None = None
    base_job_template: JobTemplate | None = None
    concurrency_limit: Count | None = None
    storage_configuration: StorageConfiguration | None = None


class WorkPool(Entity):
    """A work pool."""

    name: str
    description: str | None = None
    type: str
    base_job_template: dict[str, Any] = Field(default_factory=dict)
    is_paused: bool = False
    concurrency_limit: int | None = None
    active_slots: int | None = None
    status: ReadyStatus | None = None
    default_queue_id: str | None = None
    storage_configuration: StorageConfiguration = Field(default_factory=StorageConfiguration)


class QueueFilter(Answer):
    """Of 2.x clients: which runs a queue without a pool takes."""

    tags: list[str] | None = None
    deployment_ids: list[Id] | None = None


class WorkQueueCreate(Request):
    """A queue of a pool. Priority 1 is the highest; unset, it gets the next free one."""

    name: Name
    description: str | None = None
    is_paused: bool = False
    concurrency_limit: Count | None = None
    priority: Positive | None = None
    filter: QueueFilter | None = None


class WorkQueueUpdate(Request):
    """Changes to a queue. What is present is set, null included."""

    name: Name | None = None
    description: str | None = None
    is_paused: bool = False
    concurrency_limit: Count | None = None
    priority: Positive | None = None
    last_polled: Moment | None = None
    filter: QueueFilter | None = None


class WorkQueue(Entity):
    """A queue of a pool."""

    name: str
    description: str | None = None
    is_paused: bool = False
    concurrency_limit: int | None = None
    active_slots: int | None = None
    priority: int = 1
    work_pool_id: str | None = None
    work_pool_name: str | None = None
    last_polled: datetime | None = None
    status: ReadyStatus | None = None
    filter: QueueFilter | None = None


class WorkQueueHealthPolicy(Answer):
    """What a queue must hold to be called healthy."""

    maximum_late_runs: int | None = 0
    maximum_seconds_since_last_polled: int | None = 60


class WorkQueueStatus(Answer):
    """Whether a queue is polled and keeps up."""

    healthy: bool
    late_runs_count: int = 0
    last_polled: datetime | None = None
    health_check_policy: WorkQueueHealthPolicy


class Heartbeat(Query):
    """A worker says that it lives."""

    name: str
    heartbeat_interval_seconds: int | None = None


class Worker(Entity):
    """A worker of a pool, as its heartbeats made it known."""

    name: str
    work_pool_id: str
    last_heartbeat_time: datetime | None = None
    heartbeat_interval_seconds: int | None = None
    status: Literal["ONLINE", "OFFLINE"] = "OFFLINE"


class DueForPool(Query):
    """Asks for a pool's due runs, as contract 5.6 orders them."""

    work_queue_names: list[str] | None = None
    scheduled_before: Moment | None = None
    scheduled_after: Moment | None = None
    limit: int | None = None


class DueForQueue(Query):
    """Asks for one queue's due runs."""

    scheduled_before: Moment | None = None
    limit: int | None = None


class DueRun(Answer):
    """A due run with its queue."""

    work_pool_id: str
    work_queue_id: str
    flow_run: FlowRun
