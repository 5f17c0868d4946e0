"""Limits on task runs by tag, the older form (contract 10): each is the global limit `tag:<tag>`, its holders are leases of task runs."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, select, update

from flowhand.ids import new_id, timed_id
from flowhand.wire.concurrency import LeaseHolder, ResetTag, TagLimitCreate, TagSlots
from flowhand.wire.filters import Window
from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.concurrency import delete_limit, limit_row
from flowhand_server.store.errors import NotFound, Refused
from flowhand_server.store.json_sql import has_text
from flowhand_server.store.reading import bounded, insert_once
from flowhand_server.store.slots import FOREVER_US, Wait, collect_expired, end_lease, grant, take

PREFIX: Final = "tag:"
_limit, _lease = t.concurrency_limit.c, t.concurrency_lease.c


def set_tag_limit(conn: Connection, body: TagLimitCreate, now: int) -> tuple[forms.Form, bool]:
    """The limit of this tag with this number, and whether it was made now."""
    name = PREFIX + body.tag
    row = {"id": new_id(), "created": now, "updated": now, "name": name, "limit": body.concurrency_limit}
    made = insert_once(conn, t.concurrency_limit, row)
    if not made:
        conn.execute(update(t.concurrency_limit).where(_limit.name == name).values(limit=body.concurrency_limit, updated=now))
    return read_tag_limit(conn, name, now), made


def read_tag_limit(conn: Connection, id_or_name: str, now: int) -> forms.Form:
    """One limit by its id or by `tag:<tag>`. NotFound."""
    row = limit_row(conn, id_or_name)
    if not row["name"].startswith(PREFIX):
        raise NotFound("Concurrency limit not found")
    return _form(conn, row, now)


def find_tag_limits(conn: Connection, window: Window, now: int) -> list[forms.Form]:
    """All limits by tag."""
    statement = select(t.concurrency_limit).where(_limit.name.startswith(PREFIX)).order_by(_limit.name)
    return [_form(conn, row, now) for row in conn.execute(bounded(statement, window)).mappings().all()]


def _form(conn: Connection, row: Any, now: int) -> forms.Form:
    live = select(_lease.holder_id).where(has_text(_lease.limit_ids, row["id"]), _lease.expires_at > now, _lease.holder_id.is_not(None))
    return {
        **forms.entity(row),
        "tag": row["name"].removeprefix(PREFIX),
        "concurrency_limit": row["limit"],
        "active_slots": list(conn.execute(live.order_by(_lease.created, _lease.id)).scalars()),
    }


def reset_tag_limit(conn: Connection, tag: str, body: ResetTag, now: int) -> None:
    """Takes the slots from all who hold them, and gives them to those who are named. NotFound."""
    row = limit_row(conn, PREFIX + tag)
    for lease_id in conn.execute(select(_lease.id).where(has_text(_lease.limit_ids, row["id"]))).scalars().all():
        end_lease(conn, lease_id)
    holders = body.slot_override or []
    conn.execute(update(t.concurrency_limit).where(_limit.id == row["id"]).values(active_slots=len(holders), updated=now))
    for holder in holders:
        grant(conn, timed_id(), [row], 1, LeaseHolder(type="task_run", id=holder), now, FOREVER_US)


def delete_tag_limit(conn: Connection, id_or_name: str, now: int) -> None:
    """Removes a limit by its id or by `tag:<tag>`. NotFound."""
    read_tag_limit(conn, id_or_name, now)
    delete_limit(conn, id_or_name)


def take_tag_slots(conn: Connection, body: TagSlots, now: int) -> list[forms.Form] | Wait:
    """Takes a slot of each tag for a task run; answers the limits, or when to ask again. Refused (423) when one of them is 0."""
    names = [PREFIX + tag for tag in body.names]
    none = conn.execute(select(_limit.name).where(_limit.name.in_(names), _limit.limit == 0, _limit.active.is_(True))).scalar()
    if none is not None:
        raise Refused(423, f"The limit of the tag {none.removeprefix(PREFIX)!r} is 0: no task with it can run.")
    taken = take(conn, names, 1, "concurrency", now)
    if isinstance(taken, Wait):
        return taken
    active = [row for row in taken if row["active"]]
    for row in active:
        grant(conn, new_id(), [row], 1, LeaseHolder(type="task_run", id=body.task_run_id), now, FOREVER_US)
    return [{"id": row["id"], "name": row["name"].removeprefix(PREFIX), "limit": row["limit"]} for row in active]


def free_tag_slots(conn: Connection, body: TagSlots, now: int) -> list[forms.Form]:
    """Gives back what a task run holds of these tags; answers the limits."""
    collect_expired(conn, now)
    names = [PREFIX + tag for tag in body.names]
    rows = conn.execute(select(t.concurrency_limit).where(_limit.name.in_(names))).mappings().all()
    for row in rows:
        held = select(_lease.id).where(has_text(_lease.limit_ids, row["id"]), _lease.holder_id == body.task_run_id)
        for lease_id in conn.execute(held).scalars().all():
            end_lease(conn, lease_id)
    return [{"id": row["id"], "name": row["name"], "limit": row["limit"]} for row in rows]
