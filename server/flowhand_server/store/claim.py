"""The claim: runs that are due are made Pending, under a lease, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, bindparam, select, update

from flowhand.clock import to_iso
from flowhand.wire.runner import ClaimedRun, ClaimReply, ClaimRequest, Orders
from flowhand.wire.states import StateType
from flowhand_server.orchestration.state import CollisionStrategy, Proposal

from .claim_by_id import find_run
from .claimed import Briefing, Briefs, claimed_run
from .lanes import Candidate, Lane, Look, walk
from .leases import LIVE, PendingOrders, grant
from .prepared import Prepared, among
from .runs import Run, StateWriter, ask_for_free_runs, loaded
from .scope import Scope, find_scope
from .sessions import Session, authenticate, seen
from .tables import lease, session

CANCELLED_AT_ONCE: Final = 100
"""Runs that one claim cancels because of CANCEL_NEW; the rest is left to the next."""
AGAIN_US: Final = 50_000
"""After which a claim looks again that lost a run to somebody else: who held it may have left it as it was, and there may be others."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply to a claim, and what the waiting side has to know of what the look saw."""

    reply: ClaimReply
    session: Session
    queues: list[str] = field(default_factory=list[str])
    """The ids of the open queues that the session may claim from."""
    next_due: int | None = None
    """When something will be due (microseconds, UTC)."""
    waits_for: frozenset[str] = frozenset()
    """Of what there is no slot for something that is due: ids of limits, deployments, queues or pools."""
    more: bool = False
    """Every slot was given a run: there may be more to give to others."""
    undone: bool = False
    """A look that only reads found something to do: the claim must be made by a transaction that may write."""

    @property
    def worth_sending(self) -> bool:
        """Whether it says anything, or the claim should rather wait."""
        told = self.reply.orders
        return bool(self.reply.runs or told.cancel or told.revoke or told.drain)


@dataclass(slots=True)
class _Findings:
    """What is to be done: nothing more is read after this but the runs themselves."""

    again: list[Candidate] = field(default_factory=list[Candidate])
    look: Look = field(default_factory=Look)
    scope: Scope = field(default_factory=Scope)
    told: Orders = field(default_factory=Orders)

    @property
    def queues(self) -> list[str]:
        """The queues that were looked into."""
        return [queue.id for queue in self.scope.queues]


def look(conn: Connection, request: ClaimRequest, secret: str, now: int) -> Answer:
    """What a claim would find, without taking anything: it takes no write lock, so waiting costs the writers nothing."""
    opened = authenticate(conn, request.session, secret)
    found = _find(conn, opened, request, now, lock=False)
    undone = bool(found.again or found.look.taken or _to_cancel(found.look.blocked))
    reply = ClaimReply(claim=opened.claim, orders=found.told, why=found.scope.why(found.look.blocked))
    undone = undone or opened.unnoted(now)
    return Answer(reply, opened, found.queues, found.look.next_due, found.look.waits_for, undone=undone)


def claim(conn: Connection, request: ClaimRequest, secret: str, now: int) -> Answer:
    """Takes what is due. SessionRefused for a session that is over.

    Idempotent by `last_claim`: runs that were leased under a later answer, which was lost, are answered again under the same attempt.
    """
    opened = authenticate(conn, request.session, secret)
    seen(conn, opened, now)
    found = _find(conn, opened, request, now, lock=True)
    found.scope.polled(conn, opened, now)
    given = _give_again(conn, found.again, now, opened) if found.again else _take(conn, found.look.taken, opened, now)
    _cancel_new(conn, found.look.blocked, now)
    number = opened.claim + 1 if given and not found.again else opened.claim
    if number != opened.claim:
        _NUMBERED.run(conn, b_id=opened.id, number=number)
    reply = ClaimReply(claim=number, runs=given, orders=found.told, why=None if given else found.scope.why(found.look.blocked))
    more = len(given) >= request.slots > 0
    lost = len(given) < len(found.look.taken)
    next_due = _again(found.look, request, now) if lost else found.look.next_due
    return Answer(reply, opened, found.queues, next_due, found.look.waits_for, more=more)


def _again(look: Look, request: ClaimRequest, now: int) -> int:
    """When to look again for what was lost. Who waits does so until this is as near as runs are given early."""
    again = now + round(max(0.0, request.prefetch_s) * 1_000_000) + AGAIN_US
    return again if look.next_due is None else min(look.next_due, again)


def _find(conn: Connection, opened: Session, request: ClaimRequest, now: int, *, lock: bool) -> _Findings:
    pending, found = PendingOrders(conn, opened.id, now), _Findings()
    if opened.claim > request.last_claim:
        found.again = _unanswered(conn, opened.id, request.last_claim)
    if request.slots > 0 and not opened.drain and not found.again:
        _search(conn, opened, request, now, found, lock=lock)
    found.told = _news(pending.orders(drain=opened.drain), request)
    return found


def _search(conn: Connection, opened: Session, request: ClaimRequest, now: int, found: _Findings, *, lock: bool) -> None:
    """What may be taken."""
    if opened.kind == "adhoc":
        found.scope, found.look = find_run(conn, request.run_id, lock=lock)
        return
    found.scope = find_scope(conn, opened, lock=lock)
    until = now + round(max(0.0, request.prefetch_s) * 1_000_000)
    found.look = walk(conn, found.scope.lanes, request.slots, until, found.scope.room, lock=lock)


def _news(told: Orders, request: ClaimRequest) -> Orders:
    """The orders that the daemon does not know yet."""
    known = set(request.told)
    if known:
        told.cancel = [attempt for attempt in told.cancel if attempt not in known]
        told.revoke = [attempt for attempt in told.revoke if attempt not in known]
    return told


# --- taking --------------------------------------------------------------------------------------------------------------------------

_NUMBERED: Final = Prepared(update(session).where(session.c.id == bindparam("b_id")).values(claim=bindparam("number")))


def _take(conn: Connection, candidates: list[Candidate], opened: Session, now: int) -> list[ClaimedRun]:
    if not candidates:
        return []
    ids = [candidate.run_id for candidate in candidates]
    asked, briefs = ask_for_free_runs(conn, ids), Briefs(conn, ids)
    runs = loaded(asked)
    # another replica may have been quicker between our look and our lock, or be at it now
    won = [c for c in candidates if c.run_id in runs and _claimable(runs[c.run_id], opened)]
    briefings = briefs.briefings()
    writer = StateWriter(conn, now)
    for candidate in won:
        run = runs[candidate.run_id]
        run.attempt += 1
        run.infrastructure_pid = None
        writer.enter(run, Proposal(StateType.PENDING, "Pending", None, None, {"scheduled_time": to_iso(candidate.due)}))
    writer.flush()
    grant(conn, [_lease_row(runs[c.run_id], c, briefings[c.run_id], opened, now) for c in won])
    lease_s = opened.lease_us / 1_000_000
    return [claimed_run(briefings[c.run_id], runs[c.run_id].attempt, c.due, now, lease_s) for c in won]


def _claimable(run: Run, opened: Session) -> bool:
    """A Pending run is so for who asks for this very one: see `find_run`."""
    wanted = (StateType.SCHEDULED, StateType.PENDING) if opened.kind == "adhoc" else (StateType.SCHEDULED,)
    return run.state_type in wanted and not run.progress.in_process


def _lease_row(run: Run, candidate: Candidate, briefing: Briefing, opened: Session, now: int) -> dict[str, object]:
    return {
        "flow_run_id": run.id,
        "attempt": run.attempt,
        "session_id": opened.id,
        "claim": opened.claim + 1,
        "deployment_id": run.deployment_id,
        "claimed_at": now,
        "due": candidate.due,
        "expires_at": now + opened.lease_us,
        "crash_policy": briefing.interruption.policy,
        "max_interruptions": briefing.interruption.at_most,
    }


# --- answering again -----------------------------------------------------------------------------------------------------------------

_UNANSWERED: Final = Prepared(
    select(lease.c.flow_run_id, lease.c.due).where(
        lease.c.session_id == bindparam("session"), LIVE, lease.c.claim > bindparam("last"), lease.c.provisional_until.is_(None)
    )
)
_ATTEMPTS: Final = Prepared(
    select(lease.c.flow_run_id, lease.c.attempt, lease.c.due, lease.c.claimed_at).where(among(lease.c.flow_run_id, "ids"), LIVE)
)
_GIVEN_AGAIN: Final = Prepared(update(lease).where(among(lease.c.flow_run_id, "ids"), LIVE).values(expires_at=bindparam("until")))


def _unanswered(conn: Connection, session_id: str, last: int) -> list[Candidate]:
    return [Candidate(row.flow_run_id, row.due) for row in _UNANSWERED.all(conn, session=session_id, last=last)]


def _give_again(conn: Connection, candidates: Iterable[Candidate], now: int, opened: Session) -> list[ClaimedRun]:
    ids = [candidate.run_id for candidate in candidates]
    leases = _ATTEMPTS.all(conn, ids=ids)
    until = now + opened.lease_us
    _GIVEN_AGAIN.run(conn, ids=ids, until=until)
    briefings = Briefs(conn, ids).briefings()
    lease_s = opened.lease_us / 1_000_000
    return [claimed_run(briefings[row.flow_run_id], row.attempt, row.due, max(now, row.claimed_at), lease_s) for row in leases]


# --- CANCEL_NEW ----------------------------------------------------------------------------------------------------------------------


def _to_cancel(blocked: Iterable[Lane]) -> list[Lane]:
    return [lane for lane in blocked if lane.strategy is CollisionStrategy.CANCEL_NEW and lane.room == 0]


def _cancel_new(conn: Connection, blocked: Iterable[Lane], now: int) -> None:
    """Ends what is due of deployments that are at their limit and want no queue; late runs as well as new ones."""
    due = [c for lane in _to_cancel(blocked) for c in lane.fetch(conn, now, CANCELLED_AT_ONCE)][:CANCELLED_AT_ONCE]
    if not due:
        return
    writer = StateWriter(conn, now)
    # those that are locked are left to the next claim as well
    for run in loaded(ask_for_free_runs(conn, [candidate.run_id for candidate in due])).values():
        if run.state_type == StateType.SCHEDULED and not run.progress.in_process:
            writer.enter(run, Proposal(StateType.CANCELLED, "Cancelled", "Deployment concurrency limit reached."))
    writer.flush()
