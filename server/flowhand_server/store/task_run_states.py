"""States proposed for task runs over REST (contract 2.5, 10): the facts gathered, the rules asked, the answer stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, or_, select, update

from flowhand.wire.states import StateType
from flowhand_server.orchestration.effects import Progress
from flowhand_server.orchestration.state import Proposal, State, propose
from flowhand_server.orchestration.task_rules import FlowFacts, TaskFacts, begins_anew, decide_task
from flowhand_server.store import tables as t
from flowhand_server.store.errors import NotFound
from flowhand_server.store.flow_runs import Outcome
from flowhand_server.store.json_sql import has_text
from flowhand_server.store.task_runs import PROGRESS, enter

_task, _state = t.task_run.c, t.task_run_state.c


def propose_task_state(conn: Connection, task_run_id: str, proposed: Proposal, now: int, *, force: bool = False) -> Outcome:
    """Asks the rules about a state for a task run, and stores what they decide. NotFound."""
    row = conn.execute(select(t.task_run).where(_task.id == task_run_id).with_for_update()).mappings().first()
    if row is None:
        raise NotFound(f"Task run with id {task_run_id} not found")
    current = _current(conn, row["state_id"])
    flow = conn.execute(_FLOW, {"id": row["flow_run_id"]}).mappings().first()
    decision = decide_task(current, proposed, _facts(conn, row, flow, proposed, now), force=force)
    if decision.state is not None:
        before = Progress(**{name: row[name] for name in PROGRESS})
        if begins_anew(current, decision.state) and not force:
            before = replace(before, run_count=0)
        current = enter(conn, task_run_id, row["flow_run_id"], before, decision.state, now)
        if current.type is StateType.RUNNING and flow is not None and not force:
            values = {"flow_run_run_count": flow["run_count"]}
            conn.execute(update(t.task_run).where(_task.id == task_run_id).values(**values))
    return Outcome(decision.verdict, current, decision.reason, decision.delay_s)


_run, _run_state = t.flow_run.c, t.flow_run_state.c
_FLOW: Final = (
    select(_run.run_count, _run_state.type, _run_state.name, _run_state.state_details)
    .outerjoin_from(t.flow_run, t.flow_run_state, _run_state.id == _run.state_id)
    .where(_run.id == bindparam("id"))
)


def _current(conn: Connection, state_id: str | None) -> State | None:
    row = conn.execute(select(t.task_run_state).where(_state.id == state_id)).mappings().first()
    if row is None:
        return None
    kind = StateType(row["type"])
    return State(kind, row["name"], row["message"], row["data"], row["state_details"] or {}, row["id"], row["timestamp"])


def _facts(conn: Connection, row: Mapping[Any, Any], flow: Mapping[Any, Any] | None, proposed: Proposal, now: int) -> TaskFacts:
    policy = row["empirical_policy"] or {}
    delays = policy.get("retry_delay")
    delay = delays[min(row["run_count"], len(delays)) - 1] if isinstance(delays, list) and delays else delays
    running = proposed.type is StateType.RUNNING
    full, closed = _tags(conn, row, now) if running and row["tags"] else ((), ())
    return TaskFacts(
        now=now,
        run_count=row["run_count"],
        retries=int(policy.get("retries") or policy.get("max_retries") or 0),
        retry_delay_us=round(float(delay if isinstance(delay, int | float) else policy.get("retry_delay_seconds") or 0) * 1_000_000),
        flow=_flow(row, flow) if flow is not None else None,
        cached=_cached(conn, proposed, now) if running else None,
        full_tags=full,
        closed_tags=closed,
    )


def _flow(row: Mapping[Any, Any], flow: Mapping[Any, Any]) -> FlowFacts:
    state = propose(flow["type"], flow["name"], details=flow["state_details"]) if flow["type"] else None
    return FlowFacts(row["flow_run_id"], state, newer=row["flow_run_run_count"] < flow["run_count"])


def _cached(conn: Connection, proposed: Proposal, now: int) -> Proposal | None:
    key = proposed.details.get("cache_key")
    if not key or proposed.details.get("refresh_cache"):
        return None
    row = conn.execute(
        select(_state.data, _state.message, _state.state_details)
        .join(t.task_run, _task.state_id == _state.id)
        .where(_task.cache_key == key, _task.state_type == "COMPLETED")
        .where(or_(_task.cache_expiration.is_(None), _task.cache_expiration > now))
        .order_by(_state.timestamp.desc())
        .limit(1)
    ).first()
    return None if row is None else propose(StateType.COMPLETED, "Cached", row.message, row.data, row.state_details)


def _tags(conn: Connection, row: Mapping[Any, Any], now: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The run's tags whose limit leaves no slot, and those whose limit is zero. A slot is held by a running task run that has the tag."""
    limit = t.concurrency_limit.c
    wanted = {f"tag:{tag}": tag for tag in row["tags"]}
    limits = conn.execute(select(limit.name, limit.limit).where(limit.name.in_(list(wanted)), limit.active.is_(True))).all()
    full, closed = [], []
    for name, number in limits:
        holders = select(func.count()).select_from(t.task_run).where(_task.state_type == "RUNNING", _task.id != row["id"])
        if number <= 0:
            closed.append(wanted[name])
        elif conn.execute(holders.where(has_text(_task.tags, wanted[name]))).scalar_one() >= number:
            full.append(wanted[name])
    return tuple(full), tuple(closed)
