"""What becomes of runs whose lease has run out, and of those whose grace has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select, update

from flowhand.wire.states import TERMINAL, StateType
from flowhand_server.orchestration.state import Proposal, scheduled

from .flow_runs import reopen
from .leases import LIVE, end
from .notices import Notice, post
from .prepared import Prepared
from .runs import Run, StateWriter, load_runs
from .tables import flow_run, lease, session

CHUNK: Final = 200
_l = lease.c
_EXPIRED: Final = Prepared(
    select(_l.flow_run_id, _l.attempt, _l.crash_policy, _l.max_interruptions, session.c.name, session.c.host)
    .join_from(lease, flow_run, flow_run.c.id == _l.flow_run_id)
    .outerjoin(session, session.c.id == _l.session_id)
    .where(LIVE, _l.provisional_until.is_(None), _l.expires_at < bindparam("now"))
    .limit(CHUNK)
    .with_for_update(of=(lease, flow_run), skip_locked=True)
)
"""With their runs, and only what is free: a report locks runs, then leases, and what it holds just now it may be about to renew."""
_GRACE_OVER: Final = Prepared(
    select(_l.flow_run_id, _l.attempt)
    .join_from(lease, flow_run, flow_run.c.id == _l.flow_run_id)
    .where(_l.provisional_until.is_not(None), _l.provisional_until < bindparam("now"))
    .with_for_update(of=(lease, flow_run), skip_locked=True)
)
"""In the same way: who is being adopted at this moment is not given up."""


def reap(conn: Connection, now: int, grace_us: int) -> int:
    """Ends or re-queues a chunk of what has lost its lease. How many runs."""
    rows = _EXPIRED.all(conn, now=now)
    runs = load_runs(conn, [row.flow_run_id for row in rows])
    writer = StateWriter(conn, now)
    for row in rows:
        _reap_one(conn, runs[row.flow_run_id], row, writer, now + grace_us)
    writer.flush()
    return len(rows)


def _reap_one(conn: Connection, run: Run, row: Any, writer: StateWriter, grace_until: int) -> None:
    attempt = (run.id, row.attempt)
    lost = f"Lost contact with worker {row.name!r}" + (f" on {row.host}" if row.host else "")
    if run.attempt != row.attempt or run.state_type in TERMINAL:
        end(conn, [attempt], writer.now)
    elif run.state_type == StateType.CANCELLING:
        end(conn, [attempt], writer.now)
        writer.enter(run, Proposal(StateType.CANCELLED, "Cancelled", f"{lost} while the run was being cancelled."))
    elif row.crash_policy == "retry":
        queue_again(conn, run, row.max_interruptions, lost, writer)
    else:
        writer.enter(run, Proposal(StateType.CRASHED, "Crashed", f"{lost}; if it comes back in time, the run goes on."))
        _PROVISIONAL.run(conn, b_run=run.id, b_attempt=row.attempt, until=grace_until)


_PROVISIONAL: Final = Prepared(
    update(lease)
    .where(_l.flow_run_id == bindparam("b_run"), _l.attempt == bindparam("b_attempt"))
    .values(provisional_until=bindparam("until"))
)


def queue_again(conn: Connection, run: Run, at_most: int, lost: str, writer: StateWriter, due: int = 0) -> None:
    """Has an interrupted run begun again, at once or when it is due, unless that has happened too often."""
    run.interruptions += 1
    reopen(conn, run, writer.now)
    if run.interruptions > at_most:
        message = f"{lost}, for the {_ordinal(run.interruptions)} time; it is not begun again (max_interruptions is {at_most})."
        writer.enter(run, Proposal(StateType.CRASHED, "Crashed", message))
    else:
        message = f"{lost}; begun again (interruption {run.interruptions} of at most {at_most})."
        writer.enter(run, scheduled(max(due, writer.now), message=message))


def end_graces(conn: Connection, now: int) -> Sequence[Any]:
    """Makes Crashed final where the owner did not come back in time."""
    over = [(row.flow_run_id, row.attempt) for row in _GRACE_OVER.all(conn, now=now)]
    end(conn, over, now)
    for run_id, _ in over:
        post(conn, Notice("run", key=run_id))
    return over


_SHORTEN: Final = Prepared(update(lease).where(LIVE, _l.expires_at > bindparam("until")).values(expires_at=bindparam("until")))
_SHORTEN_GRACE: Final = Prepared(
    update(lease).where(_l.provisional_until > bindparam("until")).values(provisional_until=bindparam("until"))
)


def bound_terms(conn: Connection, lease_until: int, grace_until: int) -> None:
    """Brings leases and graces down to the longest that they can be: after the clock was set back they would last too long."""
    _SHORTEN.run(conn, until=lease_until)
    _SHORTEN_GRACE.run(conn, until=grace_until)


def _ordinal(number: int) -> str:
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10 if number % 100 not in {11, 12, 13} else 0, 'th') }"
