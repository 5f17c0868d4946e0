"""What may not last for ever: pauses that nobody ends (contract 2.7), and cancellations that nobody carries out (contract 2.4)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, text

from flowhand.wire.states import StateType
from flowhand_server.orchestration.state import Proposal, moment
from flowhand_server.store.flow_runs import lease_holder
from flowhand_server.store.runs import Run, StateWriter, load_runs

from .service import CHUNK

CANCEL_WITHIN_US: Final = 300_000_000
"""How long a foreign client has to stop a run. One of our own daemons is given orders, or is reaped."""
_SHORTEST_PAUSE_US: Final = 1_000_000
_HELD: Final = text("SELECT id FROM flow_run WHERE state_type IN ('PAUSED', 'CANCELLING') AND state_timestamp <= :until LIMIT :n")


def due(conn: Connection, now: int) -> bool:
    """Whether any run is paused or being cancelled."""
    return conn.execute(_HELD, {"until": now - _SHORTEST_PAUSE_US, "n": 1}).first() is not None


def expire(conn: Connection, now: int) -> int:
    """Ends what has lasted too long."""
    ids = conn.execute(_HELD, {"until": now - _SHORTEST_PAUSE_US, "n": 100 * CHUNK}).scalars().all()
    writer = StateWriter(conn, now)
    expired = 0
    for run in load_runs(conn, ids).values():
        ending = _pause_over(run, now) or _cancel_over(conn, run, now)
        if ending is not None:
            writer.enter(run, ending)
            expired += 1
    writer.flush()
    return expired


def _pause_over(run: Run, now: int) -> Proposal | None:
    if run.state_type != StateType.PAUSED or run.current is None:
        return None
    until = moment(run.current.details.get("pause_timeout"))
    return Proposal(StateType.FAILED, "Failed", "The flow was paused and never resumed.") if until is not None and until < now else None


def _cancel_over(conn: Connection, run: Run, now: int) -> Proposal | None:
    since = run.progress.state_timestamp or now
    if run.state_type != StateType.CANCELLING or now - since < CANCEL_WITHIN_US or lease_holder(conn, run) is not None:
        return None
    return Proposal(StateType.CANCELLED, "Cancelled", "Nobody has confirmed within 5 minutes that the flow was stopped.")
