"""The task runs of a report: made when they are new, and taken through the states that their flow's process told.

A state is stored once, by its id, so a report that is sent again changes nothing. What a fenced attempt says of its tasks is not stored.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, select, update

from flowhand.wire.runner import TaskItem
from flowhand_server.orchestration.effects import Progress, advance, stamp
from flowhand_server.orchestration.state import propose

from . import tables as t
from .leases import Holdings
from .prepared import Prepared, among
from .reading import insert_many_once
from .task_runs import PROGRESS, state_row
from .texts import storable

_task, _state = t.task_run.c, t.task_run_state.c
_KNOWN: Final = Prepared(select(_task.id, *(_task[name] for name in PROGRESS)).where(among(_task.id, "ids")))
_STORED: Final = Prepared(select(_state.id).where(among(_state.id, "ids")))
_INSERT: Final = Prepared(insert(t.task_run_state), "id", "task_run_id", "timestamp", "type", "name", "message", "state_details", "data")
_UPDATE: Final = Prepared(
    update(t.task_run).where(_task.id == bindparam("b_id")).values(**{name: bindparam(name) for name in (*PROGRESS, "name", "updated")})
)


def store_tasks(conn: Connection, known: Holdings, items: Iterable[TaskItem], now: int) -> None:
    """Stores what is new of the items, in the order in which they come."""
    current = [item for item in items if _is_current(known, item)]
    if not current:
        return
    stored = {row.id for row in _STORED.all(conn, ids=[item.state_id for item in current])}
    new = [item for item in current if item.state_id not in stored]
    if not new:
        return
    insert_many_once(conn, t.task_run, [_row(item, known, now) for item in _firsts(new)])
    before = {row.id: Progress(**dict(zip(PROGRESS, row[1:], strict=True))) for row in _KNOWN.all(conn, ids=_ids(new))}
    states: list[dict[str, Any]] = []
    after: dict[str, dict[str, Any]] = {}
    for item in new:
        if item.id not in before:
            continue  # its keys are those of a task run that was made over REST, under another id
        details = {"task_run_id": item.id, "flow_run_id": item.run_id}
        proposed = propose(item.type, item.state, storable(item.message) if item.message else None, details=details)
        state = stamp(proposed, item.state_id, item.at_us, before[item.id].state_timestamp)
        before[item.id], _ = advance(before[item.id], state, {})
        states.append(state_row(item.id, state))
        after[item.id] = {"b_id": item.id, "name": storable(item.name), "updated": now} | _progress(before[item.id])
    if states:
        _INSERT.run_each(conn, states)
        _UPDATE.run_each(conn, list(after.values()))


def _is_current(known: Holdings, item: TaskItem) -> bool:
    held = known.held.get((item.run_id, item.attempt))
    return item.run_id in known.runs and held is not None and held.current


def _firsts(items: Iterable[TaskItem]) -> list[TaskItem]:
    firsts: dict[str, TaskItem] = {}
    for item in items:
        firsts.setdefault(item.id, item)
    return list(firsts.values())


def _ids(items: Iterable[TaskItem]) -> list[str]:
    return list({item.id: None for item in items})


def _progress(progress: Progress) -> dict[str, Any]:
    return {name: value for name, value in asdict(progress).items() if name in PROGRESS}


def _row(item: TaskItem, known: Holdings, now: int) -> dict[str, Any]:
    return {
        "id": item.id,
        "created": now,
        "updated": now,
        "name": storable(item.name),
        "flow_run_id": item.run_id,
        "task_key": storable(item.task_key),
        "dynamic_key": item.dynamic_key,
        "tags": [storable(tag) for tag in item.tags],
        "labels": {"prefect.flow-run.id": item.run_id},
    }
