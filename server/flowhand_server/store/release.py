"""Handing back runs that were claimed and have not begun."""

from __future__ import annotations

from sqlalchemy import Connection

from flowhand.wire.runner import Attempt, Reason, Refusal, ReleaseReply, ReleaseRequest
from flowhand.wire.states import TERMINAL, StateType
from flowhand_server.orchestration.state import Proposal, scheduled

from .leases import Held, Holdings, end, holdings
from .runs import Run, StateWriter, load_runs
from .sessions import authenticate, seen


def release(conn: Connection, request: ReleaseRequest, secret: str, now: int) -> ReleaseReply:
    """Returns runs to Scheduled, each with its own time; one that is being cancelled is Cancelled. Idempotent by attempt."""
    opened = authenticate(conn, request.session, secret)
    seen(conn, opened, now)
    ids = [run_id for run_id, _ in request.runs]
    known, runs = holdings(conn, ids), load_runs(conn, ids)
    reply, writer = ReleaseReply(), StateWriter(conn, now)
    ended: list[Attempt] = []
    for run_id, attempt in request.runs:
        reason = _why_not(known, run_id, attempt, opened.id)
        run = runs.get(run_id)
        if run is None or reason is not None:
            reply.refused.append(Refusal(run_id=run_id, attempt=attempt, reason=reason or "unknown_run"))
            continue
        _give_back(run, request.reason, writer, now)
        ended.append((run_id, attempt))
    writer.flush()
    end(conn, ended, now)
    reply.released = ended
    return reply


def _give_back(run: Run, reason: str, writer: StateWriter, now: int) -> None:
    if run.state_type == StateType.CANCELLING:
        writer.enter(run, Proposal(StateType.CANCELLED, "Cancelled", "Cancelled before it began."))
    elif run.state_type == StateType.PENDING:
        due = run.current.scheduled_us if run.current else None
        run.attempt += 1  # whatever is still under way about the old attempt has nothing to say any more
        writer.enter(run, scheduled(due or now, message=reason or None))


def _why_not(known: Holdings, run_id: str, attempt: int, session_id: str) -> Reason | None:
    if run_id not in known.runs:
        return "unknown_run"
    held: Held | None = known.held.get((run_id, attempt))
    if held is None:
        return "stale_attempt"
    if held.session_id != session_id:
        return "superseded"
    if not held.live:
        # handed back before, and the answer was lost: nothing is left to do
        return None if held.state_type == StateType.SCHEDULED else "stale_attempt"
    if held.state_type in TERMINAL:
        return "terminal"
    return None if held.state_type in {StateType.PENDING, StateType.CANCELLING} else "already"
