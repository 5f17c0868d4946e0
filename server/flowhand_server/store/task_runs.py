"""Task runs: transactions. How their states come over REST is in `task_run_states`, how they come by events in `task_run_events`."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select, update

from flowhand.clock import to_micros
from flowhand.ids import timed_id
from flowhand.wire.filters import Entities, TaskRunQuery
from flowhand.wire.states import StateType
from flowhand.wire.task_runs import TaskRunCreate
from flowhand_server.orchestration.effects import Progress, advance, stamp
from flowhand_server.orchestration.state import Proposal, State, moment, propose
from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.deployment_runs import proposal
from flowhand_server.store.errors import Conflict, NotFound
from flowhand_server.store.names import random_name
from flowhand_server.store.notices import Notice, post
from flowhand_server.store.nouns import where
from flowhand_server.store.reading import insert_once
from flowhand_server.store.search import Approach, Search
from flowhand_server.store.search_orders import Order

MISSING: Final = "Task not found"
_task, _state = t.task_run.c, t.task_run_state.c
_SELECT: Final[Select[Any]] = select(
    t.task_run,
    _state.message.label("s_message"),
    _state.state_details.label("s_details"),
    _state.data.label("s_data"),
).outerjoin_from(t.task_run, t.task_run_state, _state.id == _task.state_id)
_BY_ID: Final = _SELECT.where(_task.id == bindparam("id"))

PROGRESS: Final = tuple(name for name in Progress.__dataclass_fields__ if name in _task)
"""The fields that follow the states; a task run has all but those about claims."""
ORDERS: Final[dict[str, Order]] = {
    "ID_DESC": Order((_task.id,), descending=True),
    "EXPECTED_START_TIME_ASC": Order((_task.expected_start_time, _task.id)),
    "EXPECTED_START_TIME_DESC": Order((_task.expected_start_time, _task.id), descending=True),
    "NAME_ASC": Order((_task.name, _task.id)),
    "NAME_DESC": Order((_task.name, _task.id), descending=True),
    "NEXT_SCHEDULED_START_TIME_ASC": Order((_task.next_scheduled_start_time, _task.id), null_is_least=True),
    "END_TIME_DESC": Order((_task.end_time, _task.id), descending=True, null_is_least=True),
    "DURATION_DESC": Order((_task.total_run_time, _task.id), descending=True),
    "DURATION_ASC": Order((_task.total_run_time, _task.id)),
}
_SEARCH: Final = Search(_SELECT, _task.id, lambda query, order, _hint: Approach(ORDERS[order], where(t.task_run, query)))


def create_task_run(conn: Connection, body: TaskRunCreate, now: int) -> tuple[forms.Form, bool]:
    """A task run, and whether it is new or the one of this flow run and these keys. Conflict without the flow run."""
    existing = _by_keys(conn, body)
    if existing is not None:
        return read_task_run(conn, existing, now), False
    labels: dict[str, Any] = {}
    if body.flow_run_id is not None:
        run = conn.execute(select(t.flow_run.c.labels).where(t.flow_run.c.id == body.flow_run_id)).first()
        if run is None:
            raise Conflict(f"There is no flow run with id {body.flow_run_id}.")
        labels = {**(run.labels or {}), "prefect.flow-run.id": body.flow_run_id}
    task_run_id = body.id or timed_id()
    row = {
        "id": task_run_id,
        "created": now,
        "updated": now,
        "name": body.name or random_name(),
        "flow_run_id": body.flow_run_id,
        "task_key": body.task_key,
        "dynamic_key": body.dynamic_key,
        "task_version": body.task_version,
        "cache_key": body.cache_key,
        "cache_expiration": to_micros(body.cache_expiration) if body.cache_expiration else None,
        "empirical_policy": body.empirical_policy.model_dump(),
        "tags": body.tags,
        "labels": {**labels, **(body.labels or {})},
        "task_inputs": {name: [given.model_dump(exclude_none=True) for given in inputs] for name, inputs in body.task_inputs.items()},
    }
    made = insert_once(conn, t.task_run, row)
    if made:
        enter(conn, task_run_id, body.flow_run_id, Progress(), proposal(body.state) if body.state else propose("PENDING"), now)
    return read_task_run(conn, task_run_id, now), made


def _by_keys(conn: Connection, body: TaskRunCreate) -> str | None:
    keys = (_task.flow_run_id == body.flow_run_id, _task.task_key == body.task_key, _task.dynamic_key == body.dynamic_key)
    return conn.execute(select(_task.id).where(*keys)).scalar()


def enter(conn: Connection, task_run_id: str, flow_run_id: str | None, before: Progress, proposed: Proposal, now: int) -> State:
    """Has a task run enter a state, and its fields follow."""
    proposed = proposed.with_details(task_run_id=task_run_id, flow_run_id=flow_run_id)
    state = stamp(proposed, timed_id(), now, before.state_timestamp)
    progress, _ = advance(before, state, {})
    conn.execute(insert(t.task_run_state), [state_row(task_run_id, state)])
    values = {name: getattr(progress, name) for name in PROGRESS} | {"updated": now}
    if state.type is StateType.COMPLETED and state.details.get("cache_key"):
        values |= {"cache_key": state.details["cache_key"], "cache_expiration": moment(state.details.get("cache_expiration"))}
    conn.execute(update(t.task_run).where(_task.id == task_run_id).values(**values))
    if state.type is StateType.SCHEDULED and state.details.get("deferred"):
        _defer(conn, task_run_id, now)
    return state


def _defer(conn: Connection, task_run_id: str, now: int) -> None:
    """Has it wait for somebody who executes background tasks."""
    key = conn.execute(select(_task.task_key).where(_task.id == task_run_id)).scalar_one()
    insert_once(conn, t.background_task, {"task_run_id": task_run_id, "task_key": key, "created": now})
    post(conn, Notice("task"))


def state_row(task_run_id: str, state: State) -> dict[str, Any]:
    """A state as a row of `task_run_state`."""
    return {
        "id": state.id,
        "task_run_id": task_run_id,
        "timestamp": state.timestamp,
        "type": state.type.value,
        "name": state.name,
        "message": state.message,
        "state_details": dict(state.details),
        "data": state.data,
    }


def read_task_run(conn: Connection, task_run_id: str, now: int) -> forms.Form:
    """One task run. NotFound."""
    row = conn.execute(_BY_ID, {"id": task_run_id}).mappings().first()
    if row is None:
        raise NotFound(MISSING)
    return forms.task_run(row, now)


def find_task_runs(conn: Connection, query: TaskRunQuery, now: int) -> list[forms.Form]:
    """Task runs that fit, in the order asked for."""
    return [forms.task_run(row._asdict(), now) for row in _SEARCH.rows(conn, query, query.sort or "ID_DESC", query)]


def count_task_runs(conn: Connection, query: Entities) -> int:
    """How many task runs fit."""
    return conn.execute(select(func.count()).select_from(t.task_run).where(*where(t.task_run, query))).scalar_one()


def rename_task_run(conn: Connection, task_run_id: str, name: str | None, now: int) -> None:
    """Gives a task run another name; one of the server's own where none is said. NotFound."""
    values = {"name": name or random_name(), "updated": now}
    if not conn.execute(update(t.task_run).where(_task.id == task_run_id).values(**values)).rowcount:
        raise NotFound("Task run not found")


def delete_task_run(conn: Connection, task_run_id: str) -> None:
    """Removes a task run with its states. NotFound."""
    if not conn.execute(delete(t.task_run).where(_task.id == task_run_id)).rowcount:
        raise NotFound(MISSING)


def read_states(conn: Connection, task_run_id: str) -> list[forms.Form]:
    """A task run's states, the oldest first."""
    rows = conn.execute(select(t.task_run_state).where(_state.task_run_id == task_run_id).order_by(_state.timestamp)).mappings()
    return [forms.state(row) for row in rows]


def read_state(conn: Connection, state_id: str) -> forms.Form:
    """One state. NotFound."""
    row = conn.execute(select(t.task_run_state).where(_state.id == state_id)).mappings().first()
    if row is None:
        raise NotFound("Flow run state not found")  # what the contract says of either kind
    return forms.state(row)


def dependencies(conn: Connection, flow_run_id: str, now: int) -> list[forms.Form]:
    """A flow run's task runs, each with those that its inputs name. NotFound."""
    if conn.execute(select(t.flow_run.c.id).where(t.flow_run.c.id == flow_run_id)).first() is None:
        raise NotFound(f"Flow run with id {flow_run_id} not found")
    rows = conn.execute(_SELECT.where(_task.flow_run_id == flow_run_id).order_by(_task.id)).mappings()
    shown = ("id", "name", "state", "expected_start_time", "start_time", "end_time", "total_run_time", "estimated_run_time")
    found: list[forms.Form] = []
    for row in rows:
        form = forms.task_run(row, now)
        upstream = [one for given in (row["task_inputs"] or {}).values() for one in given if one.get("input_type") == "task_run"]
        untrackable = bool(form["state"] and form["state"]["state_details"]["untrackable_result"])
        found.append({**{name: form[name] for name in shown}, "upstream_dependencies": upstream, "untrackable_result": untrackable})
    return found
