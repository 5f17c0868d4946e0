"""Deployments: transactions (contract 2.1, 5.1, 10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from flowhand.ids import new_id
from flowhand.wire.deployment_schedules import DeploymentScheduleCreate, DeploymentScheduleUpdate
from flowhand.wire.deployments import DeploymentCreate, DeploymentUpdate
from flowhand.wire.events import RESOURCE_ID, RESOURCE_NAME
from flowhand.wire.filters import Entities, NamedQuery
from flowhand.wire.pool_types import AGENT_POOL
from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.automations import delete_owned
from flowhand_server.store.deployment_checking import check_blocks, check_new_variables, check_variables
from flowhand_server.store.deployment_limits import limits_of, own_name, set_limit
from flowhand_server.store.deployment_schedules import MISSING, merge_by_slug, replace_schedules, schedules_of, unplan
from flowhand_server.store.errors import Conflict, NotFound, Refused
from flowhand_server.store.events import emit
from flowhand_server.store.notices import config_changed
from flowhand_server.store.nouns import where
from flowhand_server.store.reading import bounded, named_order
from flowhand_server.store.work_pools import ensure_pool, pool_row
from flowhand_server.store.work_queues import ensure_queue

_dep = t.deployment.c
_SELECT: Final[Select[Any]] = (
    select(t.deployment, t.work_pool.c.name.label("work_pool_name"))
    .outerjoin_from(t.deployment, t.work_queue, t.work_queue.c.id == _dep.work_queue_id)
    .outerjoin(t.work_pool, t.work_pool.c.id == t.work_queue.c.work_pool_id)
)
_ELSEWHERE: Final = frozenset(
    {"schedules", "schedule", "is_schedule_active", "infra_overrides", "concurrency_limit", "global_concurrency_limit_id"}
    | {"work_pool_name", "work_queue_name", "labels"}
)
"""Fields of a body that are not simply a column."""
_CHECKED: Final = frozenset({"parameters", "parameter_openapi_schema", "enforce_parameter_schema"})
"""What tells whether parameters fit."""
_UNSAID: Final[Mapping[str, Any]] = {"parameter_openapi_schema": {}, "pull_steps": []}
"""What a new deployment has of that which its body does not mention; an explicit null stays null."""


# --- reading ---------------------------------------------------------------------------------------------------------------------------


def read_deployment(conn: Connection, deployment_id: str) -> forms.Form:
    """One deployment. NotFound."""
    return _one(conn, _SELECT.where(_dep.id == deployment_id))


def read_deployment_by_name(conn: Connection, flow_name: str, name: str) -> forms.Form:
    """One deployment by its flow's name and its own. NotFound."""
    return _one(conn, _SELECT.join(t.flow, t.flow.c.id == _dep.flow_id).where(t.flow.c.name == flow_name, _dep.name == name))


def _one(conn: Connection, statement: Select[Any]) -> forms.Form:
    rows = conn.execute(statement).mappings().all()
    if not rows:
        raise NotFound("Deployment not found")
    return _forms(conn, rows)[0]


def _forms(conn: Connection, rows: Sequence[Any]) -> list[forms.Form]:
    ids = [row["id"] for row in rows]
    schedules = schedules_of(conn, ids)
    limits = limits_of(conn, rows)
    return [forms.deployment(row, schedules.get(row["id"], []), limits.get(row["id"])) for row in rows]


def find_deployments(conn: Connection, query: NamedQuery) -> list[forms.Form]:
    """Deployments that fit, in the order asked for."""
    statement = _SELECT.where(*where(t.deployment, query)).order_by(*named_order(t.deployment, query.sort))
    return _forms(conn, conn.execute(bounded(statement, query)).mappings().all())


def count_deployments(conn: Connection, query: Entities) -> int:
    """How many deployments fit."""
    return conn.execute(select(func.count()).select_from(t.deployment).where(*where(t.deployment, query))).scalar_one()


# --- writing ---------------------------------------------------------------------------------------------------------------------------


def apply_deployment(conn: Connection, body: DeploymentCreate, now: int) -> tuple[forms.Form, bool]:
    """Makes the deployment of this flow and name, or sets what is given on the one that is there; whether it was made now.

    Its schedules, parameters and labels become those of the body, its planned runs are taken back; it stays with its pool and queue unless
    others are named, or none by null. NotFound for an unknown pool; Conflict for an unknown flow or block, and for a slug given twice;
    Refused (422) when job variables do not fit the pool.
    """
    flow = conn.execute(select(t.flow.c.labels).where(t.flow.c.id == body.flow_id)).first()
    if flow is None:
        raise Conflict(f"There is no flow with id {body.flow_id}.")
    existing = conn.execute(select(_dep.id).where(_dep.flow_id == body.flow_id, _dep.name == body.name)).scalar()
    values = _columns(body) | _place(conn, body, now)
    values |= {"labels": {**flow.labels, "prefect.flow.id": body.flow_id, **(body.labels or {})}, "parameters": body.parameters}
    check_new_variables(conn, values.get("work_queue_id"), values.get("job_variables"))
    check_blocks(conn, values)
    deployment_id = existing or new_id()
    if existing is None:
        unsaid = {name: empty for name, empty in _UNSAID.items() if name not in body.model_fields_set}
        conn.execute(insert(t.deployment).values(**unsaid, **values, id=deployment_id, created=now, updated=now))
    else:
        conn.execute(update(t.deployment).where(_dep.id == existing).values(**values, updated=now))
        unplan(conn, deployment_id, now)
    replace_schedules(conn, deployment_id, _schedules(body) or [], now)
    set_limit(conn, deployment_id, body, now)
    config_changed(conn)
    _tell(conn, "created" if existing is None else "updated", deployment_id, body.name, now)
    return read_deployment(conn, deployment_id), existing is None


def parameters_after(conn: Connection, deployment_id: str, body: DeploymentUpdate) -> Mapping[str, Any] | None:
    """What `check_parameters` is to look at before the deployment is changed so; None when nothing of it changes. NotFound."""
    given = body.model_dump(mode="json", include=body.model_fields_set & _CHECKED)
    if not given.keys() & {"parameters", "parameter_openapi_schema"}:
        return None
    row = conn.execute(select(*(_dep[name] for name in sorted(_CHECKED))).where(_dep.id == deployment_id)).mappings().first()
    if row is None:
        raise NotFound(MISSING)
    return {**row, **{name: value for name, value in given.items() if value is not None or _dep[name].nullable}}


def update_deployment(conn: Connection, deployment_id: str, body: DeploymentUpdate, now: int) -> None:
    """Sets what is given and takes back planned runs. NotFound; Conflict for an unknown block, and when job variables do not fit the pool
    that is named beside them. Parameters have been checked before.
    """
    row = conn.execute(select(t.deployment).where(_dep.id == deployment_id)).mappings().first()
    if row is None:
        raise NotFound(MISSING)
    values = _columns(body) | _place(conn, body, now)
    merged = {**row, **values}
    if body.work_pool_name is not None:
        check_variables(conn, merged["work_queue_id"], values.get("job_variables"))
    check_blocks(conn, values)
    conn.execute(update(t.deployment).where(_dep.id == deployment_id).values(**values, updated=now))
    _update_schedules(conn, deployment_id, body, now)
    set_limit(conn, deployment_id, body, now)
    unplan(conn, deployment_id, now)
    config_changed(conn)
    _tell(conn, "updated", deployment_id, row["name"], now)


def _tell(conn: Connection, what: str, deployment_id: str, name: str, now: int) -> None:
    emit(conn, f"prefect.deployment.{what}", {RESOURCE_ID: f"prefect.deployment.{deployment_id}", RESOURCE_NAME: name}, now)


def set_paused(conn: Connection, deployment_id: str, paused: bool, now: int) -> None:
    """Pauses a deployment, which takes back all its planned runs, or resumes it. NotFound."""
    if not conn.execute(update(t.deployment).where(_dep.id == deployment_id).values(paused=paused, updated=now)).rowcount:
        raise NotFound(MISSING)
    if paused:
        unplan(conn, deployment_id, now, also_late=True)
    config_changed(conn)


def delete_deployment(conn: Connection, deployment_id: str, now: int) -> None:
    """Removes a deployment with its schedules, its automations and the runs that have not begun; other runs stay, without it. NotFound."""
    run = t.flow_run.c
    conn.execute(delete(t.flow_run).where(run.deployment_id == deployment_id, run.state_type == "SCHEDULED", run.run_count == 0))
    gone = conn.execute(delete(t.deployment).where(_dep.id == deployment_id).returning(_dep.name)).first()
    if gone is None:
        raise NotFound(MISSING)
    _tell(conn, "deleted", deployment_id, gone.name, now)
    conn.execute(delete(t.concurrency_limit).where(t.concurrency_limit.c.name == own_name(deployment_id)))
    delete_owned(conn, f"prefect.deployment.{deployment_id}", now)
    config_changed(conn)


def _columns(body: DeploymentCreate | DeploymentUpdate) -> dict[str, Any]:
    """The columns that the given fields set. Null leaves a column alone that cannot be null."""
    given = body.model_dump(mode="json", include=body.model_fields_set - _ELSEWHERE)
    if given.get("job_variables") is None:
        given.pop("job_variables", None)
        if body.infra_overrides is not None:
            given["job_variables"] = body.infra_overrides
    if "paused" not in given and body.is_schedule_active is not None and not body.schedule and not body.schedules:
        given["paused"] = not body.is_schedule_active
    return {name: value for name, value in given.items() if value is not None or _dep[name].nullable}


def _place(conn: Connection, body: DeploymentCreate | DeploymentUpdate, now: int) -> dict[str, Any]:
    """Pool and queue: as given, made where the contract says so. NotFound for an unknown pool."""
    pool, queue = body.work_pool_name, body.work_queue_name
    if pool is None and queue is None:
        return {"work_queue_id": None, "work_queue_name": None} if "work_pool_name" in body.model_fields_set else {}
    if pool is None and "work_pool_name" in body.model_fields_set and isinstance(body, DeploymentUpdate):
        return {"work_queue_id": None, "work_queue_name": None}
    pool_id = ensure_pool(conn, AGENT_POOL, now) if pool in (None, AGENT_POOL) else pool_row(conn, pool)["id"]
    queue_id, name = ensure_queue(conn, pool_id, queue, now)
    return {"work_queue_id": queue_id, "work_queue_name": name}


def _schedules(body: DeploymentCreate | DeploymentUpdate) -> list[Any] | None:
    """The body's schedules; the single one of 2.x clients becomes a list. None: the body says nothing of schedules."""
    if body.schedule is not None:
        active = True if body.is_schedule_active is None else body.is_schedule_active
        return [DeploymentScheduleCreate(schedule=body.schedule, active=active)]
    return list(body.schedules) if "schedules" in body.model_fields_set else None


def _update_schedules(conn: Connection, deployment_id: str, body: DeploymentUpdate, now: int) -> None:
    schedules: list[DeploymentScheduleUpdate] | None = _schedules(body)
    if schedules is None:
        return
    slugs = [form["slug"] for form in schedules_of(conn, [deployment_id]).get(deployment_id, [])]
    if not slugs or not all(slugs):
        replace_schedules(conn, deployment_id, schedules, now)
    elif all(entry.slug for entry in schedules):
        merge_by_slug(conn, deployment_id, schedules, now)
    else:
        raise Refused(422, "Please provide a slug for each schedule in your request to ensure schedules are updated correctly.")
