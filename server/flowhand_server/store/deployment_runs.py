"""Runs made of deployments, and ad-hoc runs: transactions (contract 4.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from sqlalchemy import Connection, bindparam, select

from flowhand.wire.deployments import DeploymentFlowRunCreate
from flowhand.wire.flow_runs import FlowRunCreate
from flowhand.wire.transitions import StateCreate
from flowhand_server.json_schemas import DoesNotFit, check, check_job_variables
from flowhand_server.orchestration.state import Proposal, propose, scheduled
from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.errors import Conflict, NotFound, Refused
from flowhand_server.store.flow_run_reading import read_flow_run
from flowhand_server.store.flow_runs import DEPLOYMENT_LABEL, CreatedRun, NewRun, create_flow_run
from flowhand_server.store.parameter_kinds import filled_in
from flowhand_server.store.prepared import Prepared
from flowhand_server.store.work_pools import pool_row
from flowhand_server.store.work_queues import ensure_queue, queue_id_of

MAX_PARAMETERS: Final = 524_288
"""Bytes that a run's parameters may have as JSON (contract 11b)."""
BULK: Final = 100
"""Runs that one bulk creation may ask for."""

_dep = t.deployment.c
_DEPLOYMENT: Final = Prepared(
    select(
        *(_dep[name] for name in ("id", "flow_id", "version", "parameters", "parameter_openapi_schema", "enforce_parameter_schema")),
        *(_dep[name] for name in ("tags", "labels", "job_variables", "infrastructure_document_id", "work_queue_id", "work_queue_name")),
        t.work_queue.c.work_pool_id,
        t.work_pool.c.base_job_template,
        t.work_pool.c.name.label("work_pool_name"),
    )
    .outerjoin_from(t.deployment, t.work_queue, t.work_queue.c.id == _dep.work_queue_id)
    .outerjoin(t.work_pool, t.work_pool.c.id == t.work_queue.c.work_pool_id)
    .where(_dep.id == bindparam("id"))
)


def proposal(body: StateCreate) -> Proposal:
    """A state of a body as the rules know it: details that are null are left out."""
    details = (
        body.state_details.model_dump(mode="json", exclude_none=True, exclude_unset=True) if body.state_details.model_fields_set else {}
    )
    return propose(body.type, body.name, body.message, body.data, details)


def create_deployment_run(
    conn: Connection,
    deployment_id: str,
    body: DeploymentFlowRunCreate,
    now: int,
    created_by: Mapping[str, Any] | None = None,
    *,
    are_plain: bool = False,
) -> tuple[forms.Form, bool]:
    """A run of the deployment, and whether it is new or the one that has the idempotency key already.

    `are_plain`: the parameters of the body have been filled in already, and stand for nothing but themselves.
    NotFound; Conflict when parameters do not fit the deployment's schema; Refused when job variables do not fit the pool.
    """
    row = load_deployment(conn, deployment_id)
    made = create_flow_run(conn, _new_run(conn, row, body, now, created_by, are_plain), now)
    return _shown(conn, made, row["work_pool_name"], now), made.new


def _shown(conn: Connection, made: CreatedRun, pool: str | None, now: int) -> forms.Form:
    """The run as `read_flow_run` shows it; one that was just made need not be read for that."""
    return read_flow_run(conn, made.id, now) if made.row is None else forms.flow_run({**made.row, "work_pool_name": pool}, now)


def create_deployment_runs(conn: Connection, deployment_id: str, bodies: list[DeploymentFlowRunCreate], now: int) -> list[forms.Form]:
    """Runs of the deployment, each for itself: one that is refused does not stop the others. NotFound; Refused when there are too many."""
    if len(bodies) > BULK:
        raise Refused(400, f"Cannot create more than {BULK} flow runs at once.")
    row = load_deployment(conn, deployment_id)
    wanted = [_new_run_or_refusal(conn, row, body, now) for body in bodies]  # all queues before the first run: see `lock_order`
    return [
        {"status": "CREATED", "flow_run_id": create_flow_run(conn, one, now).id, "error": None}
        if isinstance(one, NewRun)
        else {"status": "FAILED", "flow_run_id": None, "error": one.detail}
        for one in wanted
    ]


def _new_run_or_refusal(conn: Connection, row: Mapping[Any, Any], body: DeploymentFlowRunCreate, now: int) -> NewRun | Conflict | Refused:
    try:
        return _new_run(conn, row, body, now, None)
    except (Conflict, Refused) as refusal:
        return refusal


def load_deployment(conn: Connection, deployment_id: str) -> Mapping[Any, Any]:
    """What making a run needs of its deployment. NotFound."""
    row = _DEPLOYMENT.first(conn, id=deployment_id)
    if row is None:
        raise NotFound("Deployment not found")
    return row._asdict()


def _new_run(
    conn: Connection,
    row: Mapping[Any, Any],
    body: DeploymentFlowRunCreate,
    now: int,
    created_by: Mapping[str, Any] | None,
    are_plain: bool = False,
) -> NewRun:
    own = {name: value for name, value in row["parameters"].items() if name not in body.parameters}
    parameters = filled_in(conn, own) | (body.parameters if are_plain else filled_in(conn, body.parameters))
    _check_parameters(row, body, parameters)
    _check_variables(row, body)
    queue_id, queue_name = row["work_queue_id"], row["work_queue_name"]
    if body.work_queue_name:
        if row["work_pool_id"] is None:
            raise Refused(400, f"Cannot create flow run in work queue {body.work_queue_name}: its deployment has no work pool.")
        queue_id, queue_name = ensure_queue(conn, row["work_pool_id"], body.work_queue_name, now)
    return NewRun(
        flow_id=row["flow_id"],
        deployment_id=row["id"],
        deployment_version=row["version"],
        state=proposal(body.state) if body.state else scheduled(now),
        name=body.name,
        parameters=parameters,
        context=body.context,
        tags=list(dict.fromkeys([*row["tags"], *body.tags])),
        labels={**row["labels"], **_origin(row["flow_id"], row["id"]), **(body.labels or {})},
        job_variables=body.job_variables or {},
        empirical_policy=body.empirical_policy.model_dump(),
        idempotency_key=body.idempotency_key,
        parent_task_run_id=body.parent_task_run_id,
        infrastructure_document_id=body.infrastructure_document_id or row["infrastructure_document_id"],
        work_pool_id=row["work_pool_id"],
        work_queue_id=queue_id,
        work_queue_name=queue_name,
        created_by=created_by,
    )


def _origin(flow_id: str, deployment_id: str | None) -> dict[str, str]:
    """The labels that say what a run is of."""
    return {"prefect.flow.id": flow_id} | ({DEPLOYMENT_LABEL: deployment_id} if deployment_id else {})


def _check_parameters(row: Mapping[Any, Any], body: DeploymentFlowRunCreate, parameters: Mapping[str, Any]) -> None:
    _check_size(parameters)
    enforced = row["enforce_parameter_schema"] if body.enforce_parameter_schema is None else body.enforce_parameter_schema
    schema = row["parameter_openapi_schema"]
    if not enforced or not schema:
        return
    try:
        check(parameters, schema)
    except DoesNotFit as error:
        raise Conflict(f"Error creating flow run: {error}") from None


def _check_size(parameters: Mapping[str, Any]) -> None:
    size = len(orjson.dumps(parameters, option=orjson.OPT_NON_STR_KEYS))
    if size > MAX_PARAMETERS:
        raise Refused(422, f"Flow run parameters have {size} bytes; at most {MAX_PARAMETERS} are allowed.")


def _check_variables(row: Mapping[Any, Any], body: DeploymentFlowRunCreate) -> None:
    if row["work_pool_id"] is None:
        return
    try:
        check_job_variables(row["base_job_template"], row["job_variables"], body.job_variables, required=True)
    except DoesNotFit as error:
        raise Refused(422, f"Error creating flow run: {error}") from None


def create_adhoc_run(conn: Connection, body: FlowRunCreate, now: int) -> tuple[forms.Form, bool]:
    """A run that is described in full, of a deployment or of none.

    Conflict without the flow or the deployment; NotFound without the pool or its queue.
    """
    flow_labels = conn.execute(select(t.flow.c.labels).where(t.flow.c.id == body.flow_id)).first()
    if flow_labels is None:
        raise Conflict(f"There is no flow with id {body.flow_id}.")
    if body.deployment_id and conn.execute(select(_dep.id).where(_dep.id == body.deployment_id)).first() is None:
        raise Conflict(f"There is no deployment with id {body.deployment_id}.")
    _check_size(body.parameters)
    pool_id, queue_id, queue_name = None, None, body.work_queue_name
    if body.work_pool_name:
        pool_id = pool_row(conn, body.work_pool_name)["id"]
        if body.work_queue_name:
            queue_id = queue_id_of(conn, body.work_pool_name, body.work_queue_name)
        else:
            queue_id, queue_name = ensure_queue(conn, pool_id, None, now)
    new = NewRun(
        flow_id=body.flow_id,
        deployment_id=body.deployment_id,
        state=proposal(body.state) if body.state else propose("PENDING"),
        name=body.name,
        flow_version=body.flow_version,
        parameters=body.parameters,
        context=body.context,
        tags=body.tags,
        labels={**flow_labels.labels, **_origin(body.flow_id, body.deployment_id), **(body.labels or {})},
        job_variables=body.job_variables or {},
        empirical_policy=body.empirical_policy.model_dump(),
        idempotency_key=body.idempotency_key,
        parent_task_run_id=body.parent_task_run_id,
        infrastructure_document_id=body.infrastructure_document_id,
        work_pool_id=pool_id,
        work_queue_id=queue_id,
        work_queue_name=queue_name,
    )
    made = create_flow_run(conn, new, now)
    return _shown(conn, made, body.work_pool_name, now), made.new
