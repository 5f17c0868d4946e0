"""Filters by noun, and the bodies of the routes that read with them (contract 1 and 12).

Filters of different nouns in one body are joined by *and*: a flow run must fit `flow_runs`, belong to a flow that fits `flows`, and so on.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from flowhand.wire import criteria
from flowhand.wire.body import Count, Id, Moment, Positive, Query
from flowhand.wire.criteria import Criterion
from flowhand.wire.transitions import StateCreate

FlowRunSort = Literal[
    "ID_DESC",
    "START_TIME_ASC",
    "START_TIME_DESC",
    "EXPECTED_START_TIME_ASC",
    "EXPECTED_START_TIME_DESC",
    "NAME_ASC",
    "NAME_DESC",
    "NEXT_SCHEDULED_START_TIME_ASC",
    "END_TIME_DESC",
]
TaskRunSort = Literal[
    "ID_DESC",
    "EXPECTED_START_TIME_ASC",
    "EXPECTED_START_TIME_DESC",
    "NAME_ASC",
    "NAME_DESC",
    "NEXT_SCHEDULED_START_TIME_ASC",
    "END_TIME_DESC",
    "DURATION_DESC",
    "DURATION_ASC",
]
NamedSort = Literal["CREATED_DESC", "UPDATED_DESC", "NAME_ASC", "NAME_DESC"]
ArtifactSort = Literal["CREATED_DESC", "UPDATED_DESC", "ID_DESC", "KEY_DESC", "KEY_ASC"]
DocumentSort = Literal["NAME_DESC", "NAME_ASC", "BLOCK_TYPE_AND_NAME_ASC"]
LogSort = Literal["TIMESTAMP_ASC", "TIMESTAMP_DESC"]
BulkLimit = Annotated[int, Field(ge=1, le=50)]


class FlowHasDeployment(Criterion):
    """Whether the flow has a deployment."""

    is_null_: bool | None = None


class FlowFilter(Criterion):
    """Which flows."""

    id: criteria.Ids | None = None
    deployment: FlowHasDeployment | None = None
    name: criteria.Names | None = None
    tags: criteria.Tags | None = None


class FlowRunFilter(Criterion):
    """Which flow runs."""

    id: criteria.Ids | None = None
    name: criteria.Names | None = None
    tags: criteria.Tags | None = None
    deployment_id: criteria.OptionalIds | None = None
    work_queue_name: criteria.OptionalTexts | None = None
    state: criteria.States | None = None
    flow_version: criteria.Texts | None = None
    start_time: criteria.OptionalSpan | None = None
    end_time: criteria.OptionalSpan | None = None
    expected_start_time: criteria.Span | None = None
    next_scheduled_start_time: criteria.Span | None = None
    parent_flow_run_id: criteria.OptionalIds | None = None
    parent_task_run_id: criteria.OptionalIds | None = None
    idempotency_key: criteria.Texts | None = None
    created_by: criteria.Creator | None = None


class TaskRunFilter(Criterion):
    """Which task runs."""

    id: criteria.Ids | None = None
    name: criteria.Names | None = None
    tags: criteria.Tags | None = None
    state: criteria.States | None = None
    start_time: criteria.OptionalSpan | None = None
    end_time: criteria.OptionalSpan | None = None
    expected_start_time: criteria.Span | None = None
    subflow_runs: criteria.Existence | None = None
    flow_run_id: criteria.OptionalIds | None = None


class DeploymentFilter(Criterion):
    """Which deployments."""

    id: criteria.Ids | None = None
    name: criteria.Names | None = None
    flow_or_deployment_name: criteria.Names | None = None
    paused: criteria.Flag | None = None
    tags: criteria.Tags | None = None
    work_queue_name: criteria.Texts | None = None
    concurrency_limit: criteria.Range | None = None
    is_schedule_active: criteria.Flag | None = None
    """Of 2.x clients: the opposite of `paused`."""


class WorkPoolFilter(Criterion):
    """Which work pools."""

    id: criteria.Ids | None = None
    name: criteria.Texts | None = None
    type: criteria.Texts | None = None


class WorkQueueFilter(Criterion):
    """Which work queues."""

    id: criteria.Ids | None = None
    name: criteria.QueueNames | None = None


class WorkerStatuses(Criterion):
    """Which workers by whether their heartbeats come."""

    any_: list[Literal["ONLINE", "OFFLINE"]] | None = None
    not_any_: list[Literal["ONLINE", "OFFLINE"]] | None = None


class WorkerFilter(Criterion):
    """Which workers."""

    last_heartbeat_time: criteria.Span | None = None
    status: WorkerStatuses | None = None


class LogFilter(Criterion):
    """Which log lines."""

    level: criteria.Range | None = None
    timestamp: criteria.Span | None = None
    flow_run_id: criteria.OptionalIds | None = None
    task_run_id: criteria.OptionalIds | None = None
    text: criteria.Search | None = None


class VariableFilter(Criterion):
    """Which variables."""

    id: criteria.Ids | None = None
    name: criteria.Names | None = None
    tags: criteria.Tags | None = None


class ArtifactFilter(Criterion):
    """Which artifacts. `latest_id` is of collections."""

    id: criteria.Ids | None = None
    latest_id: criteria.Ids | None = None
    key: criteria.Keys | None = None
    flow_run_id: criteria.OptionalIds | None = None
    task_run_id: criteria.OptionalIds | None = None
    type: criteria.Texts | None = None


class BlockTypeFilter(Criterion):
    """Which block types."""

    name: criteria.Names | None = None
    slug: criteria.Texts | None = None


class Capabilities(Criterion):
    """Capabilities that must all be there."""

    all_: list[str] | None = None


class BlockSchemaFilter(Criterion):
    """Which block schemas."""

    id: criteria.Ids | None = None
    block_type_id: criteria.Ids | None = None
    block_capabilities: Capabilities | None = None
    version: criteria.Texts | None = None


class BlockDocumentFilter(Criterion):
    """Which block documents; anonymous ones are left out unless asked for."""

    id: criteria.Ids | None = None
    block_type_id: criteria.Ids | None = None
    name: criteria.Names | None = None
    is_anonymous: criteria.Flag | None = Field(default_factory=lambda: criteria.Flag(eq_=False))


class AutomationFilter(Criterion):
    """Which automations."""

    id: criteria.Ids | None = None
    name: criteria.Names | None = None
    created: criteria.Span | None = None
    tags: criteria.Tags | None = None


class Entities(Query):
    """Filters across the nouns that hang together."""

    flows: FlowFilter | None = None
    flow_runs: FlowRunFilter | None = None
    task_runs: TaskRunFilter | None = None
    deployments: DeploymentFilter | None = None
    work_pools: WorkPoolFilter | None = None
    work_pool_queues: WorkQueueFilter | None = None
    work_queues: WorkQueueFilter | None = None


Offset = Annotated[Count, BeforeValidator(lambda value: 0 if value is None else value)]


class Window(Query):
    """Which part of the rows: null is the default, `limit` at most 200."""

    limit: int | None = None
    offset: Offset = 0


class Page(Query):
    """Which page of the rows; the first is 1."""

    limit: int | None = None
    page: Annotated[Positive, BeforeValidator(lambda page: 1 if page is None else page)] = 1

    def window(self, limit: int) -> dict[str, Any]:
        """The fields of the query that reads this page of `limit` rows."""
        kept = {name: getattr(self, name) for name in type(self).model_fields if name not in {"limit", "page"}}
        return {**kept, "limit": limit, "offset": (self.page - 1) * limit}


class FlowRunQuery(Entities, Window):
    """Reads flow runs."""

    sort: FlowRunSort | None = None


class FlowRunPage(Entities, Page):
    """Reads flow runs page by page."""

    sort: FlowRunSort | None = None


class TaskRunQuery(Entities, Window):
    """Reads task runs."""

    sort: TaskRunSort | None = None


class TaskRunPage(Entities, Page):
    """Reads task runs page by page."""

    sort: TaskRunSort | None = None


class NamedQuery(Entities, Window):
    """Reads flows or deployments."""

    sort: NamedSort | None = None


class NamedPage(Entities, Page):
    """Reads flows or deployments page by page."""

    sort: NamedSort | None = None


class WorkPoolQuery(Window):
    """Reads work pools."""

    work_pools: WorkPoolFilter | None = None


class WorkQueueQuery(Window):
    """Reads work queues."""

    work_queues: WorkQueueFilter | None = None


class WorkerQuery(Window):
    """Reads workers."""

    workers: WorkerFilter | None = None


class LogQuery(Window):
    """Reads log lines."""

    logs: LogFilter | None = None
    sort: LogSort | None = None


class VariableQuery(Window):
    """Reads variables."""

    variables: VariableFilter | None = None
    sort: NamedSort | None = None


class ArtifactQuery(Entities, Window):
    """Reads artifacts or their collections."""

    artifacts: ArtifactFilter | None = None
    sort: ArtifactSort | None = None


class BlockTypeQuery(Window):
    """Reads block types."""

    block_types: BlockTypeFilter | None = None
    block_schemas: BlockSchemaFilter | None = None


class BlockSchemaQuery(Window):
    """Reads block schemas."""

    block_schemas: BlockSchemaFilter | None = None


class BlockDocumentQuery(Window):
    """Reads block documents."""

    block_documents: BlockDocumentFilter | None = None
    block_types: BlockTypeFilter | None = None
    block_schemas: BlockSchemaFilter | None = None
    include_secrets: bool = False
    sort: DocumentSort | None = None


class AutomationQuery(Window):
    """Reads automations."""

    automations: AutomationFilter | None = None
    sort: NamedSort | None = None


class History(Entities):
    """Counts runs by state over spans of equal length (seconds)."""

    history_start: Moment
    history_end: Moment
    history_interval_seconds: float


class BulkFlowRuns(Query):
    """Deletes flow runs, at most `limit`."""

    flow_runs: FlowRunFilter | None = None
    limit: BulkLimit = 50


class BulkSetState(BulkFlowRuns):
    """Proposes one state to many runs."""

    state: StateCreate
    force: bool = False


class BulkDeployments(Query):
    """Deletes deployments, at most `limit`."""

    deployments: DeploymentFilter | None = None
    limit: BulkLimit = 50


class BulkFlows(Query):
    """Deletes flows, at most `limit`."""

    flows: FlowFilter | None = None
    limit: BulkLimit = 50


class IdList(Query):
    """Ids of flows or runs that the interface asks about."""

    flow_ids: Annotated[list[Id], Field(max_length=200)] = Field(default_factory=list)
    flow_run_ids: Annotated[list[Id], Field(max_length=200)] = Field(default_factory=list)
