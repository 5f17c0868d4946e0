"""Leases over the slots that foreign clients' runs hold of their deployments (contract 5.7).

A slot is a run that is Pending, Running or Cancelling; nothing is counted up or down. The lease only says how long that may be believed of
a client: one that stops renewing gives its slot back while its run stays as it is. The lease is a row of `concurrency_lease`, named in the
run's state; `slots` is 1 while it lasts, and 0 once it was found to have run out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from sqlalchemy import Connection, bindparam, delete, exists, insert, select, update

from flowhand.ids import new_id
from flowhand.wire.states import StateType
from flowhand_server.orchestration.rules import keeps_slot
from flowhand_server.orchestration.state import LEASE, Limit, Proposal, State

from . import tables as t
from .notices import Notice, post
from .prepared import Prepared, among

SLOT: Final = "slot"
"""Their `holder_type`, which no client can give to a lease of its own."""
LASTS_US: Final = 300_000_000
"""How long a lease lasts that is granted to a run which has begun; its client renews it for as long again."""
Slot = Literal["held", "lapsed"]

_lease, _run, _dep = t.concurrency_lease.c, t.flow_run.c, t.deployment.c
_OF_RUN: Final = Prepared(
    select(_lease.expires_at, _lease.slots).where(
        _lease.id == bindparam("id"), _lease.holder_type == SLOT, _lease.holder_id == bindparam("run")
    )
)
_GRANT: Final = Prepared(insert(t.concurrency_lease), "id", "created", "expires_at", "slots", "limit_ids", "holder_type", "holder_id")
_END: Final = Prepared(
    delete(t.concurrency_lease).where(_lease.id == bindparam("id"), _lease.holder_type == SLOT, _lease.holder_id == bindparam("run"))
)
_MARK: Final = Prepared(update(t.concurrency_lease).where(among(_lease.id, "ids")).values(slots=0))
_OVER: Final = (_lease.expires_at <= bindparam("now"), _lease.holder_type == SLOT)
_DUE: Final = select(_lease.id).where(*_OVER, _lease.slots > 0).limit(1)
_ORPHANS: Final = delete(t.concurrency_lease).where(*_OVER, ~exists().where(_run.id == _lease.holder_id))
_LAPSED: Final = Prepared(
    select(_lease.id, _run.deployment_id, _dep.global_concurrency_limit_id.label("limit_id"))
    .join_from(t.concurrency_lease, t.flow_run, _run.id == _lease.holder_id)
    .outerjoin(t.deployment, _dep.id == _run.deployment_id)
    .where(*_OVER, _lease.slots > 0)
    .with_for_update(of=t.concurrency_lease)
)


def slot_of(conn: Connection, run_id: str, current: State | None, now: int) -> Slot | None:
    """Whether the run holds a slot by a lease, or has lost it; None when it has no lease."""
    lease_id = current.details.get(LEASE) if current else None
    row = _OF_RUN.first(conn, id=lease_id, run=run_id) if lease_id else None
    if row is None:
        return None
    return "held" if row.slots and row.expires_at > now else "lapsed"


def with_lease(
    conn: Connection, run_id: str, current: State | None, state: Proposal, limit: Limit | None, now: int, *, renews: bool
) -> Proposal:
    """The state that was decided on, with the lease that it is to carry: a new one for a slot that was taken now, else that of before.

    `limit` is that of the deployment where a slot had to be found for this state. Clients that do not renew leases (`renews`) have one
    until they begin, and hold their slot without one from then on.
    """
    kept = current.details.get(LEASE) if current and keeps_slot(current, state) else None
    if state.type is StateType.RUNNING and not renews:
        kept = None
    elif limit is not None and state.type in {StateType.PENDING, StateType.RUNNING}:
        kept = _grant(conn, run_id, now, limit.provision_us if state.type is StateType.PENDING else LASTS_US)
    return state.with_details(**{LEASE: kept}) if kept or state.details.get(LEASE) else state


def _grant(conn: Connection, run_id: str, now: int, lasts_us: int) -> str:
    lease_id = new_id()
    row = {"id": lease_id, "created": now, "expires_at": now + lasts_us, "slots": 1, "limit_ids": [], "holder_type": SLOT}
    _GRANT.run(conn, **row, holder_id=run_id)
    return lease_id


def end_slots(conn: Connection, leases: Iterable[tuple[str, str]]) -> None:
    """Ends leases, each given with its run. Idempotent."""
    _END.run_each(conn, [{"id": lease_id, "run": run_id} for lease_id, run_id in leases])


def any_over(conn: Connection, now: int) -> bool:
    """Whether any lease has run out."""
    return conn.execute(_DUE, {"now": now}).first() is not None


def lapse(conn: Connection, now: int) -> int:
    """Gives the slots of leases back that have run out, and tells who waits for one; how many there were."""
    rows = _LAPSED.all(conn, now=now)
    _mark(conn, [row.id for row in rows])
    for row in rows:
        post(conn, Notice("freed", key=row.limit_id, deployment=row.deployment_id))
    return len(rows)


def sweep(conn: Connection, now: int) -> int:
    """`lapse`, and forgets leases of runs that were deleted."""
    conn.execute(_ORPHANS, {"now": now})
    return lapse(conn, now)


def _mark(conn: Connection, ids: Sequence[str]) -> None:
    if ids:
        _MARK.run(conn, ids=ids)
