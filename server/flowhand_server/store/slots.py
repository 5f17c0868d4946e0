"""Slots of global concurrency limits: taken all together or not at all, given back, leased (contract 10).

A lease that ran out is collected by whoever next takes slots or reads them, in the same transaction, and by a service, for the deployments
that wait for a slot of the same limit. A limit with a decay gives its slots back by itself as time goes by: that makes it a rate limit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, case, delete, insert, select, update

from flowhand.ids import new_id
from flowhand.wire.concurrency import Decrement, Increment, IncrementWithLease, LeaseHolder, Mode
from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.deployment_slots import SLOT
from flowhand_server.store.errors import Refused
from flowhand_server.store.limits import used_of_limits
from flowhand_server.store.notices import Notice, post
from flowhand_server.store.reading import insert_once

_limit, _lease = t.concurrency_limit.c, t.concurrency_lease.c
_OURS: Final = _lease.holder_type.is_distinct_from(SLOT)
"""What runs hold of their deployments has its own way to end."""
RETRY_S: Final = 0.5
"""Seconds after which a caller that found no slot asks again."""
FOREVER_US: Final = 24 * 3600 * 1_000_000
"""How long slots are held that were taken the old way, without a lease to renew."""


@dataclass(frozen=True, slots=True)
class Wait:
    """No slot is free; ask again after so many seconds."""

    seconds: float


def decayed(row: Any, now: int) -> int:
    """The slots in use: those taken less those that have come back by decay."""
    returned = math.floor(row["slot_decay_per_second"] * max(0, now - row["updated"]) / 1e6)
    return max(0, row["active_slots"] - returned)


def increment(conn: Connection, body: Increment, now: int) -> list[forms.Form] | Wait:
    """Takes slots of all limits that are named and active; answers all that are named, or when to ask again.

    Refused (422) when more is asked than there may ever be, or a rate is asked of a limit without decay.
    """
    if body.create_if_missing:
        for name in body.names:
            row = {"id": new_id(), "created": now, "updated": now, "name": name, "limit": 1, "active": False}
            insert_once(conn, t.concurrency_limit, row)
    taken = take(conn, body.names, body.slots, body.mode, now)
    return taken if isinstance(taken, Wait) else [_minimal(row) for row in taken]


def increment_with_lease(conn: Connection, body: IncrementWithLease, now: int) -> forms.Form | Wait:
    """As `increment`, with a lease over what was taken. Names without a limit are passed over."""
    taken = take(conn, body.names, body.slots, body.mode, now)
    if isinstance(taken, Wait):
        return taken
    lease_id = new_id()
    if taken:
        active = [row for row in taken if row["active"]]
        grant(conn, lease_id, active, body.slots, body.holder, now, round(body.lease_duration * 1e6))
    return {"lease_id": lease_id, "limits": [_minimal(row) for row in taken]}


def _minimal(row: Any) -> forms.Form:
    return {"id": row["id"], "name": row["name"], "limit": row["limit"]}


def take(conn: Connection, names: Sequence[str], slots: int, mode: Mode, now: int) -> Sequence[Any] | Wait:
    """The limits that are named, or when to ask again; then each full one notes that it denied some.

    Of those that are not active nothing is taken.
    """
    collect_expired(conn, now)
    which = select(t.concurrency_limit).where(_limit.name.in_(names)).order_by(_limit.id).with_for_update()
    named = conn.execute(which).mappings().all()
    rows = [row for row in named if row["active"]]
    _must_be_possible(rows, slots, mode)
    runs = used_of_limits(conn, [row["id"] for row in rows])
    full = [row for row in rows if decayed(row, now) + runs[row["id"]] + slots > row["limit"]]
    if full:
        ids = [row["id"] for row in full]
        conn.execute(update(t.concurrency_limit).where(_limit.id.in_(ids)).values(denied_slots=_limit.denied_slots + slots))
        return Wait(max(_wait(row, slots, now) for row in full))
    for row in rows:
        values = {"active_slots": decayed(row, now) + slots, "updated": now, "denied_slots": max(0, row["denied_slots"] - slots)}
        conn.execute(update(t.concurrency_limit).where(_limit.id == row["id"]).values(**values))
    return named


def _must_be_possible(rows: Sequence[Any], slots: int, mode: Mode) -> None:
    for row in rows:
        if mode == "rate_limit" and not row["slot_decay_per_second"] > 0:
            raise Refused(422, f"Rate limiting needs slot_decay_per_second above zero; the limit {row['name']!r} has none.")
        if slots > row["limit"]:
            raise Refused(422, f"Slots requested ({slots}) are more than the limit {row['name']!r} has ({row['limit']}).")


def _wait(row: Any, slots: int, now: int) -> float:
    decay = row["slot_decay_per_second"]
    if not decay > 0:
        return RETRY_S
    return max(0.05, (decayed(row, now) + slots - row["limit"]) / decay)


def grant(conn: Connection, lease_id: str, limits: Sequence[Any], slots: int, holder: LeaseHolder | None, now: int, lasts_us: int) -> None:
    """Writes a lease over slots that were taken."""
    row = {"id": lease_id, "created": now, "expires_at": now + lasts_us, "slots": slots, "limit_ids": [limit["id"] for limit in limits]}
    conn.execute(insert(t.concurrency_lease).values(**row, holder_type=holder and holder.type, holder_id=holder and holder.id))


def decrement(conn: Connection, body: Decrement, now: int) -> list[forms.Form]:
    """Gives slots back; answers the limits."""
    collect_expired(conn, now)
    rows = conn.execute(select(t.concurrency_limit).where(_limit.name.in_(body.names))).mappings().all()
    _give_back(conn, [row["id"] for row in rows if row["active"]], body.slots)
    return [_minimal(row) for row in rows]


def _give_back(conn: Connection, limit_ids: Iterable[str], slots: int) -> None:
    """And tells who waits for one of them."""
    ids = list(limit_ids)
    left = case((_limit.active_slots > slots, _limit.active_slots - slots), else_=0)
    conn.execute(update(t.concurrency_limit).where(_limit.id.in_(ids)).values(active_slots=left))
    for limit_id in ids:
        post(conn, Notice("freed", key=limit_id))


def end_lease(conn: Connection, lease_id: str) -> None:
    """Gives back what a lease holds. Idempotent: an unknown lease holds nothing."""
    row = conn.execute(select(t.concurrency_lease).where(_lease.id == lease_id).with_for_update()).mappings().first()
    if row is not None:
        conn.execute(delete(t.concurrency_lease).where(_lease.id == lease_id))
        _give_back(conn, row["limit_ids"], row["slots"])


def renew_lease(conn: Connection, lease_id: str, seconds: float, now: int) -> None:
    """Makes a lease last from now. Refused (410) when it has run out."""
    renewed = update(t.concurrency_lease).where(_lease.id == lease_id, _lease.expires_at > now)
    if not conn.execute(renewed.values(expires_at=now + round(seconds * 1e6))).rowcount:
        raise Refused(410, "Lease not found - it may have expired or been released.")


def any_expired(conn: Connection, now: int) -> bool:
    """Whether there is something for `collect_expired`."""
    return conn.execute(select(_lease.id).where(_lease.expires_at <= now, _OURS).limit(1)).first() is not None


def collect_expired(conn: Connection, now: int) -> int:
    """Gives back what leases hold that have run out; how many there were."""
    rows = conn.execute(select(t.concurrency_lease).where(_lease.expires_at <= now, _OURS).with_for_update()).mappings().all()
    for row in rows:
        _give_back(conn, row["limit_ids"], row["slots"])
    if rows:
        conn.execute(delete(t.concurrency_lease).where(_lease.id.in_([row["id"] for row in rows])))
    return len(rows)
