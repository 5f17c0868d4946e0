"""Runs whose time has passed without anybody taking them are called Late (contract 5.3). They are given out all the same."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, text

from flowhand.wire.states import StateName, StateType
from flowhand_server.orchestration.rules import decide
from flowhand_server.orchestration.state import RunFacts, scheduled
from flowhand_server.store.runs import Run, StateWriter, load_runs

from .service import CHUNK

AFTER_US: Final = 15_000_000
_OVERDUE: Final = text(
    "SELECT id FROM flow_run WHERE state_type = 'SCHEDULED' AND state_name = 'Scheduled' AND next_scheduled_start_time <= :until "
    "ORDER BY next_scheduled_start_time LIMIT :n"
)


def due(conn: Connection, now: int) -> bool:
    """Whether any run is late and not called so."""
    return conn.execute(_OVERDUE, {"until": now - AFTER_US, "n": 1}).first() is not None


def mark(conn: Connection, now: int) -> int:
    """Calls a chunk of them Late, each with its own time kept."""
    ids = conn.execute(_OVERDUE, {"until": now - AFTER_US, "n": CHUNK}).scalars().all()
    writer = StateWriter(conn, now)
    for run in load_runs(conn, ids).values():
        _mark(run, writer, now)
    writer.flush()
    return len(ids)


def _mark(run: Run, writer: StateWriter, now: int) -> None:
    if run.state_type != StateType.SCHEDULED or run.progress.state_name != StateName.SCHEDULED:
        return
    late = scheduled(run.progress.next_scheduled_start_time or now, StateName.LATE)
    decision = decide(run.current, late, RunFacts(now=now))
    if decision.state is not None:
        writer.enter(run, decision.state)
