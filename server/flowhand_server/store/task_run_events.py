"""Task runs as 3.x clients tell of them: by events, each with the whole run in it (contract 2.5, 8.3).

Events may come late, twice, or in another order than they happened: a state is stored once, and the run's fields are those of its newest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import Field, ValidationError
from sqlalchemy import Connection, select, update

from flowhand.clock import to_micros
from flowhand.ids import is_id
from flowhand.wire.body import Answer, Id, Moment
from flowhand.wire.events import RESOURCE_ID, RESOURCE_NAME, RESOURCE_ROLE, Event
from flowhand.wire.states import StateType, default_name
from flowhand_server.store import tables as t
from flowhand_server.store.reading import insert_many_once, insert_once

PREFIX: Final = "prefect.task-run."
ORCHESTRATION: Final = "prefect.orchestration"
_task = t.task_run.c


class _StateTold(Answer):
    type: StateType
    name: str | None = None
    message: str | None = None
    state_details: dict[str, Any] = Field(default_factory=dict)
    data: Any = None


class _TaskRunTold(Answer):
    name: str | None = None
    task_key: str
    dynamic_key: str
    task_version: str | None = None
    cache_key: str | None = None
    cache_expiration: Moment | None = None
    empirical_policy: dict[str, Any] = Field(default_factory=dict)
    tags: list[str] = Field(default_factory=list)
    labels: dict[str, Any] = Field(default_factory=dict)
    task_inputs: dict[str, Any] = Field(default_factory=dict)
    run_count: int = 0
    flow_run_run_count: int = 0
    expected_start_time: Moment | None = None
    next_scheduled_start_time: Moment | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None
    total_run_time: float = 0.0


class _Told(Answer):
    validated_state: _StateTold
    task_run: _TaskRunTold


class _Report(Answer):
    """One event, taken apart."""

    event_id: Id
    task_run_id: Id
    flow_run_id: Id | None
    name: str
    at: int
    told: _Told


def record_task_runs(conn: Connection, events: Iterable[Event], now: int) -> None:
    """Stores what the events say of task runs; events of other kinds, and such as are malformed, say nothing."""
    reports = [report for event in events if (report := _read(event)) is not None]
    if not reports:
        return
    flows = _flows_of(conn, [report.flow_run_id for report in reports if report.flow_run_id])
    for report in sorted(reports, key=lambda one: one.at):
        _record(conn, report, flows, now)


def _read(event: Event) -> _Report | None:
    labels = event.resource
    task_run_id = labels[RESOURCE_ID].removeprefix(PREFIX)
    if not event.event.startswith(PREFIX) or labels.get(ORCHESTRATION) != "client" or not is_id(task_run_id):
        return None
    run = next((one[RESOURCE_ID] for one in event.related if one[RESOURCE_ROLE] == "flow-run"), "").removeprefix("prefect.flow-run.")
    try:
        told = _Told.model_validate(event.payload)
    except ValidationError:
        return None
    return _Report(
        event_id=event.id,
        task_run_id=task_run_id,
        flow_run_id=run if is_id(run) else None,
        name=labels.get(RESOURCE_NAME, ""),
        at=to_micros(event.occurred),
        told=told,
    )


def _flows_of(conn: Connection, ids: Sequence[str]) -> dict[str, str]:
    """By flow run, as far as there is one: its flow."""
    run = t.flow_run.c
    return {row.id: row.flow_id for row in conn.execute(select(run.id, run.flow_id).where(run.id.in_(ids)))} if ids else {}


def _record(conn: Connection, report: _Report, flows: dict[str, str], now: int) -> None:
    flow_run_id = report.flow_run_id if report.flow_run_id in flows else None
    known = conn.execute(select(_task.state_timestamp).where(_task.id == report.task_run_id)).first()
    fields = _fields(report)
    if known is None:
        told = report.told.task_run
        labels = {"prefect.flow.id": flows[flow_run_id], "prefect.flow-run.id": flow_run_id} if flow_run_id else {}
        keys = {"id": report.task_run_id, "created": now, "updated": now, "flow_run_id": flow_run_id, "labels": {**labels, **told.labels}}
        if not insert_once(conn, t.task_run, keys | fields | {"task_key": told.task_key, "dynamic_key": told.dynamic_key}):
            return  # a task run of these keys was made over REST, under another id; it has its states from there
    elif known.state_timestamp is None or known.state_timestamp <= report.at:
        conn.execute(update(t.task_run).where(_task.id == report.task_run_id).values(**fields, updated=now))
    insert_many_once(conn, t.task_run_state, [_state(report, flow_run_id)])


def _fields(report: _Report) -> dict[str, Any]:
    told, state = report.told.task_run, report.told.validated_state
    return {
        "name": told.name or report.name,
        "task_version": told.task_version,
        "cache_key": told.cache_key,
        "cache_expiration": _micros(told.cache_expiration),
        "empirical_policy": told.empirical_policy,
        "tags": told.tags,
        "task_inputs": told.task_inputs,
        "state_id": report.event_id,
        "state_type": state.type.value,
        "state_name": state.name or default_name(state.type),
        "state_timestamp": report.at,
        "run_count": told.run_count,
        "flow_run_run_count": told.flow_run_run_count,
        "expected_start_time": _micros(told.expected_start_time),
        "next_scheduled_start_time": _micros(told.next_scheduled_start_time),
        "start_time": _micros(told.start_time),
        "end_time": _micros(told.end_time),
        "total_run_time": round(told.total_run_time * 1e6),
    }


def _state(report: _Report, flow_run_id: str | None) -> dict[str, Any]:
    state = report.told.validated_state
    return {
        "id": report.event_id,
        "task_run_id": report.task_run_id,
        "timestamp": report.at,
        "type": state.type.value,
        "name": state.name or default_name(state.type),
        "message": state.message,
        "state_details": {**state.state_details, "task_run_id": report.task_run_id, "flow_run_id": flow_run_id},
        "data": state.data,
    }


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)
