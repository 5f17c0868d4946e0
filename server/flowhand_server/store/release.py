"""Handing back runs that were claimed and have not begun."""

from __future__ import annotations

from sqlalchemy import Connection

from flowhand.wire.runner import Attempt, Reason, Refusal, ReleaseReply, ReleaseRequest
from flowhand.wire.states import TERMINAL, StateType
from flowhand_server.orchestration.state import Proposal, scheduled

from .adoption import state_before
from .leases import Held, end, holdings
from .reaping import queue_again
from .runs import Run, StateWriter, load_runs
from .sessions import authenticate, seen


def release(conn: Connection, request: ReleaseRequest, secret: str, now: int) -> ReleaseReply:
    """Returns runs to Scheduled, each with its own time; one that is being cancelled is Cancelled. Idempotent by attempt.

    One that has begun may be returned under the `retry` policy alone: it was interrupted, and is begun again. One that was interrupted
    before it began is returned under either policy, but no more often than that.
    """
    opened = authenticate(conn, request.session, secret)
    seen(conn, opened, now)
    ids = [run_id for run_id, _ in request.runs]
    known, runs = holdings(conn, ids), load_runs(conn, ids)
    reply, writer = ReleaseReply(), StateWriter(conn, now)
    ended: list[Attempt] = []
    for run_id, attempt in request.runs:
        run = runs.get(run_id)
        held = known.held.get((run_id, attempt))
        # of a run that was called Crashed meanwhile, what it was before is what counts
        state = None if run is None else state_before(conn, run) if held and held.provisional else run.current
        reason = "unknown_run" if run is None else _why_not(held, state, opened.id)
        if run is None or reason is not None:
            reply.refused.append(Refusal(run_id=run_id, attempt=attempt, reason=reason or "unknown_run"))
            continue
        if held and state and (state.type is StateType.RUNNING or (request.interrupted and state.type is StateType.PENDING)):
            due = state.scheduled_us if state.type is StateType.PENDING else None
            queue_again(conn, run, held.max_interruptions, request.reason, writer, due or now)
        else:
            _give_back(run, state, request.reason, writer, now)
        ended.append((run_id, attempt))
    writer.flush()
    end(conn, ended, now)
    reply.released = ended
    return reply


def _give_back(run: Run, state: Proposal | None, reason: str, writer: StateWriter, now: int) -> None:
    if state is not None and state.type is StateType.CANCELLING:
        writer.enter(run, Proposal(StateType.CANCELLED, "Cancelled", "Cancelled when its worker handed it back."))
    elif state is not None and state.type is StateType.PENDING:
        due = state.scheduled_us
        run.attempt += 1  # whatever is still under way about the old attempt has nothing to say any more
        writer.enter(run, scheduled(due or now, message=reason or None))


def _why_not(held: Held | None, state: Proposal | None, session_id: str) -> Reason | None:
    if held is None or state is None:
        return "stale_attempt"
    if held.session_id != session_id:
        return "superseded"
    if not held.live:
        # handed back before, and the answer was lost: nothing is left to do
        return None if state.type is StateType.SCHEDULED else "stale_attempt"
    if state.type in TERMINAL:
        return "terminal"
    if state.type is StateType.RUNNING:
        return None if held.crash_policy == "retry" else "already"
    return None if state.type in {StateType.PENDING, StateType.CANCELLING} else "already"
