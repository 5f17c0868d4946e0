"""A worker that was given up comes back within the grace: its runs are taken out of Crashed again."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, select

from flowhand.wire.runner import Attempt
from flowhand.wire.states import StateType
from flowhand_server.orchestration.state import Proposal

from .leases import adopt
from .prepared import Prepared
from .runs import Run, StateWriter, load_runs
from .tables import flow_run_state

_BEFORE: Final = Prepared(
    select(flow_run_state.c.type, flow_run_state.c.name, flow_run_state.c.state_details)
    .where(flow_run_state.c.flow_run_id == bindparam("run"), flow_run_state.c.timestamp < bindparam("before"))
    .order_by(flow_run_state.c.timestamp.desc())
    .limit(1)
)


def adopt_runs(conn: Connection, attempts: list[Attempt], until: int, now: int) -> None:
    """Gives provisionally Crashed runs the state back that they were in, and their leases a new term.

    It counts as no new run: not in `run_count`, and over the limit if the slot was taken meanwhile.
    """
    writer = StateWriter(conn, now)
    for run in load_runs(conn, [run_id for run_id, _ in attempts]).values():
        if run.state_type == StateType.CRASHED:
            # `resuming` keeps Running from being counted again, and is cleared by it (contract 4.3)
            before = state_before(conn, run)
            writer.enter(run, before, {"resuming": True} if before.type is StateType.RUNNING else None)
    writer.flush()
    adopt(conn, attempts, until)


def state_before(conn: Connection, run: Run) -> Proposal:
    """The state that the run was in before its current one."""
    row = _BEFORE.first(conn, run=run.id, before=run.progress.state_timestamp)
    message = "The worker is in contact again."
    if row is None:
        return Proposal(StateType.RUNNING, "Running", message)
    return Proposal(StateType(row.type), row.name, message, None, row.state_details or {})
