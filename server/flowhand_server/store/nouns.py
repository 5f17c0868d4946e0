"""What the properties of each noun's filter look at, and how the nouns hang together.

`where` makes the condition of one noun from filters over several: a flow run must fit the filter of flow runs, belong to a flow that fits
the filter of flows, and so on (contract 1). Other nouns are asked by `IN (SELECT …)`, so that an index on the reference can serve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Select, Table, and_, func, or_, select, true

from flowhand.wire import criteria
from flowhand.wire.criteria import Criterion
from flowhand.wire.filters import Capabilities, Entities, FlowHasDeployment
from flowhand_server.store import tables as t
from flowhand_server.store.filters import OPERATORS, Condition, Properties, condition, joined, one_of
from flowhand_server.store.flow_run_tags import has_tags
from flowhand_server.store.json_sql import has_text
from flowhand_server.store.text_sql import contains

flow, flow_run, task_run, deployment = t.flow.c, t.flow_run.c, t.task_run.c, t.deployment.c
work_pool, work_queue = t.work_pool.c, t.work_queue.c


def _picked(column: ColumnElement[Any], *conditions: Condition) -> Select[Any]:
    """A subselect that stands for itself, whatever tables are around it."""
    return select(column).where(*conditions).correlate(None)


def _flow_has_deployment(criterion: FlowHasDeployment) -> Condition | None:
    if criterion.is_null_ is None:
        return None
    having = flow.id.in_(_picked(deployment.flow_id))
    return ~having if criterion.is_null_ else having


def _parent_flow_run(criterion: criteria.OptionalIds) -> Condition | None:
    if criterion.any_ is None:
        return None
    return flow_run.parent_task_run_id.in_(_picked(task_run.id, one_of(task_run.flow_run_id, criterion.any_)))


def _start_time(criterion: criteria.OptionalSpan) -> Condition | None:
    """When a run began; one that has not is taken by when it is expected to, as it is sorted (there is an index of that)."""
    began = func.coalesce(flow_run.start_time, flow_run.expected_start_time)
    columns: dict[str, ColumnElement[Any]] = {"before_": began, "after_": began, "is_null_": flow_run.start_time}
    asked = {name: value for name in columns if (value := getattr(criterion, name)) is not None}
    return joined(criterion, [OPERATORS[name](columns[name], value) for name, value in asked.items()])


def _creator(criterion: criteria.Creator) -> Condition | None:
    made_by = flow_run.created_by
    parts: list[Condition] = []
    if criterion.id_ is not None:
        parts.append(one_of(made_by["id"].as_string(), criterion.id_))
    if criterion.type_ is not None:
        parts.append(one_of(made_by["type"].as_string(), criterion.type_))
    if criterion.is_null_ is not None:
        parts.append(made_by.is_(None) if criterion.is_null_ else made_by.is_not(None))
    return None if not parts else or_(*parts) if criterion.operator == "or_" else and_(*parts)


def _is_subflow(criterion: criteria.Existence) -> Condition | None:
    if criterion.exists_ is None:
        return None
    having = task_run.id.in_(_picked(flow_run.parent_task_run_id, flow_run.parent_task_run_id.is_not(None)))
    return having if criterion.exists_ else ~having


def _flow_or_deployment_name(criterion: criteria.Names) -> Condition | None:
    if criterion.like_ is None:
        return None
    of_flow = deployment.flow_id.in_(_picked(flow.id, contains(flow.name, criterion.like_)))
    return or_(contains(deployment.name, criterion.like_), of_flow)


def _unpaused(criterion: criteria.Flag) -> Condition | None:
    return None if criterion.eq_ is None else deployment.paused.is_(not criterion.eq_)


def _capabilities(criterion: Capabilities) -> Condition | None:
    return and_(true(), *(has_text(t.block_schema.c.capabilities, name) for name in criterion.all_ or ()))


_RUN: Final[Mapping[str, Any]] = {
    name: {"id": c.id, "name": c.name, "tags": c.tags, "state": {"type": c.state_type, "name": c.state_name}}
    | {"start_time": c.start_time, "end_time": c.end_time, "expected_start_time": c.expected_start_time}
    for name, c in (("flow_run", flow_run), ("task_run", task_run))
}

FLOW: Final[Properties] = {"id": flow.id, "name": flow.name, "tags": flow.tags, "deployment": _flow_has_deployment}
FLOW_RUN: Final[Properties] = _RUN["flow_run"] | {
    "tags": has_tags,
    "start_time": _start_time,
    "deployment_id": flow_run.deployment_id,
    "work_queue_name": flow_run.work_queue_name,
    "flow_version": flow_run.flow_version,
    "next_scheduled_start_time": flow_run.next_scheduled_start_time,
    "parent_flow_run_id": _parent_flow_run,
    "parent_task_run_id": flow_run.parent_task_run_id,
    "idempotency_key": flow_run.idempotency_key,
    "created_by": _creator,
}
TASK_RUN: Final[Properties] = _RUN["task_run"] | {"subflow_runs": _is_subflow, "flow_run_id": task_run.flow_run_id}
DEPLOYMENT: Final[Properties] = {
    "id": deployment.id,
    "name": deployment.name,
    "flow_or_deployment_name": _flow_or_deployment_name,
    "paused": deployment.paused,
    "is_schedule_active": _unpaused,
    "tags": deployment.tags,
    "work_queue_name": deployment.work_queue_name,
    "concurrency_limit": deployment.concurrency_limit,
}
WORK_POOL: Final[Properties] = {"id": work_pool.id, "name": work_pool.name, "type": work_pool.type}
WORK_QUEUE: Final[Properties] = {"id": work_queue.id, "name": work_queue.name}
WORKER: Final[Properties] = {"last_heartbeat_time": t.worker.c.last_heartbeat_time, "status": t.worker.c.status}
VARIABLE: Final[Properties] = {"id": t.variable.c.id, "name": t.variable.c.name, "tags": t.variable.c.tags}
ARTIFACT: Final[Properties] = {
    "id": t.artifact.c.id,
    "latest_id": t.artifact_collection.c.latest_id,
    "key": t.artifact.c.key,
    "flow_run_id": t.artifact.c.flow_run_id,
    "task_run_id": t.artifact.c.task_run_id,
    "type": t.artifact.c.type,
}
BLOCK_TYPE: Final[Properties] = {"name": t.block_type.c.name, "slug": t.block_type.c.slug}
BLOCK_SCHEMA: Final[Properties] = {
    "id": t.block_schema.c.id,
    "block_type_id": t.block_schema.c.block_type_id,
    "block_capabilities": _capabilities,
    "version": t.block_schema.c.version,
}
BLOCK_DOCUMENT: Final[Properties] = {
    "id": t.block_document.c.id,
    "block_type_id": t.block_document.c.block_type_id,
    "name": t.block_document.c.name,
    "is_anonymous": t.block_document.c.is_anonymous,
}
AUTOMATION: Final[Properties] = {
    "id": t.automation.c.id,
    "name": t.automation.c.name,
    "created": t.automation.c.created,
    "tags": t.automation.c.tags,
}

_Step = tuple[Column[Any], Column[Any]]

_QUEUE: Final[Sequence[_Step]] = [(deployment.work_queue_id, work_queue.id)]
_POOL: Final[Sequence[_Step]] = [*_QUEUE, (work_queue.work_pool_id, work_pool.id)]
_RUN_LINKS: Final[Mapping[str, Sequence[_Step]]] = {
    "flows": [(flow_run.flow_id, flow.id)],
    "deployments": [(flow_run.deployment_id, deployment.id)],
    "task_runs": [(flow_run.id, task_run.flow_run_id)],
    "work_pools": [(flow_run.work_pool_id, work_pool.id)],
    "work_queues": [(flow_run.work_queue_id, work_queue.id)],
}
_TO_RUN: Final[Mapping[str, _Step]] = {
    "task_run": (task_run.flow_run_id, flow_run.id),
    "artifact": (t.artifact.c.flow_run_id, flow_run.id),
}
LINKS: Final[Mapping[str, Mapping[str, Sequence[_Step]]]] = {
    "flow_run": _RUN_LINKS,
    "flow": {
        "flow_runs": [(flow.id, flow_run.flow_id)],
        "task_runs": [(flow.id, flow_run.flow_id), (flow_run.id, task_run.flow_run_id)],
        "deployments": [(flow.id, deployment.flow_id)],
        "work_queues": [(flow.id, deployment.flow_id), *_QUEUE],
        "work_pools": [(flow.id, deployment.flow_id), *_POOL],
    },
    "deployment": {
        "flows": [(deployment.flow_id, flow.id)],
        "flow_runs": [(deployment.id, flow_run.deployment_id)],
        "task_runs": [(deployment.id, flow_run.deployment_id), (flow_run.id, task_run.flow_run_id)],
        "work_queues": _QUEUE,
        "work_pools": _POOL,
    },
    "task_run": {"flow_runs": [_TO_RUN["task_run"]]} | {name: [_TO_RUN["task_run"], *steps] for name, steps in _RUN_LINKS.items()},
    "artifact": {"flow_runs": [_TO_RUN["artifact"]]}
    | {name: [_TO_RUN["artifact"], *steps] for name, steps in _RUN_LINKS.items()}
    | {"task_runs": [(t.artifact.c.task_run_id, task_run.id)]},
}
"""How each noun reaches the others: steps of (column here, column there)."""

OWN: Final[Mapping[str, tuple[str, Properties]]] = {
    "flow_run": ("flow_runs", FLOW_RUN),
    "flow": ("flows", FLOW),
    "deployment": ("deployments", DEPLOYMENT),
    "task_run": ("task_runs", TASK_RUN),
    "artifact": ("artifacts", ARTIFACT),
}
_NOUN_OF_FIELD: Final[Mapping[str, Properties]] = {
    "flows": FLOW,
    "flow_runs": FLOW_RUN,
    "task_runs": TASK_RUN,
    "deployments": DEPLOYMENT,
    "work_pools": WORK_POOL,
    "work_queues": WORK_QUEUE,
}


def where(table: Table, query: Entities) -> list[Condition]:
    """The conditions on rows of `table` that a body's filters stand for.

    A filter of another noun that is there but says nothing still asks that there be one: `"deployments": {}` leaves out ad-hoc runs.
    """
    field, properties = OWN[table.name]
    conditions: list[Condition] = []
    own = condition(getattr(query, field), properties)
    if own is not None:
        conditions.append(own)
    for name, steps in LINKS[table.name].items():
        if name == field:
            continue
        wanted = getattr(query, name) or (query.work_pool_queues if name == "work_queues" else None)
        if wanted is not None:
            conditions.append(_reach(steps, wanted, _NOUN_OF_FIELD[name]))
    return conditions


def _reach(steps: Sequence[_Step], wanted: Criterion, noun: Properties) -> Condition:
    *way, (near, far) = steps
    # a reference that is kept by the database needs no look at what it refers to; pools may be gone, and then their runs are of none
    own = condition(wanted, {"id": near}) if ids_alone(wanted) is not None and near.references(far) and far is noun["id"] else None
    found = near.in_(_picked(far, _all_or(condition(wanted, noun)))) if own is None else own
    for near, far in reversed(way):
        found = near.in_(_picked(far, found))
    return found


def _all_or(wanted: Condition | None) -> Condition:
    return true() if wanted is None else wanted


def ids_alone(criterion: Any) -> list[Any] | None:
    """The ids that a filter names as those that fit, if it says nothing else."""
    if criterion is None or criterion.id is None:
        return None
    stated = [one for noun in (criterion, criterion.id) for name, one in noun.__dict__.items() if one is not None and name != "operator"]
    return criterion.id.any_ if len(stated) == 2 else None
