"""A subflow's states, mirrored onto the task run that stands for it in the parent (contract 2.5)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, insert, select, update

from flowhand.ids import timed_id
from flowhand_server.orchestration.effects import Progress, advance
from flowhand_server.orchestration.state import State

from .prepared import Prepared
from .tables import task_run, task_run_state

_FIELDS: Final = tuple(name for name in Progress.__dataclass_fields__ if name in task_run.c)
_BEFORE: Final = Prepared(
    select(*(task_run.c[name] for name in (*_FIELDS, "flow_run_id"))).where(task_run.c.id == bindparam("id")).with_for_update()
)
_INSERT: Final = Prepared(insert(task_run_state), "id", "task_run_id", "timestamp", "type", "name", "message", "state_details", "data")
_UPDATE: Final = Prepared(
    update(task_run).where(task_run.c.id == bindparam("b_id")).values({name: bindparam(name) for name in (*_FIELDS, "updated")})
)


def mirror_to_task_run(conn: Connection, task_run_id: str, flow_run_id: str, state: State, now: int) -> None:
    """Has the task run enter the same state, with `child_flow_run_id` in its details. Nothing happens when there is no such task run."""
    row = _BEFORE.first(conn, id=task_run_id)
    if row is None:
        return
    before = Progress(**dict(zip(_FIELDS, row, strict=False)))
    timestamp = state.timestamp if before.state_timestamp is None else max(state.timestamp, before.state_timestamp + 1)
    details = {**state.details, "task_run_id": task_run_id, "flow_run_id": row.flow_run_id, "child_flow_run_id": flow_run_id}
    mirrored = State(state.type, state.name, state.message, state.data, details, timed_id(), timestamp)
    progress, _ = advance(before, mirrored, {})
    _INSERT.run(
        conn,
        id=mirrored.id,
        task_run_id=task_run_id,
        timestamp=timestamp,
        type=mirrored.type.value,
        name=mirrored.name,
        message=mirrored.message,
        state_details=details,
        data=mirrored.data,
    )
    changes = {name: getattr(progress, name) for name in _FIELDS}
    _UPDATE.run(conn, b_id=task_run_id, **changes, updated=now)
