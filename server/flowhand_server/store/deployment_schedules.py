"""Schedules of a deployment: transactions. Whoever changes one also takes back the runs that were planned from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update

from flowhand.ids import timed_id
from flowhand.wire.deployment_schedules import DeploymentScheduleCreate, DeploymentScheduleUpdate
from flowhand.wire.states import StateName
from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.errors import Conflict, NotFound, Refused

_schedule, _run = t.deployment_schedule.c, t.flow_run.c
MISSING: Final = "Deployment not found."


def unplan(conn: Connection, deployment_id: str, now: int, *, also_late: bool = False) -> None:
    """Removes the deployment's auto-scheduled runs that lie ahead and have not run; `also_late`: those as well whose time has come.

    The scheduler then plans anew from now on.
    """
    planned = (
        delete(t.flow_run)
        .where(_run.deployment_id == deployment_id, _run.state_type == "SCHEDULED", _run.auto_scheduled.is_(True), _run.run_count == 0)
        .where(_run.state_name != StateName.AWAITING_CONCURRENCY_SLOT)
    )
    conn.execute(planned if also_late else planned.where(_run.next_scheduled_start_time > now))
    conn.execute(update(t.deployment_schedule).where(_schedule.deployment_id == deployment_id).values(scheduled_until=None))


def schedules_of(conn: Connection, deployment_ids: Iterable[str]) -> dict[str, list[forms.Form]]:
    """By deployment: its schedules, the newest first."""
    wanted = _schedule.deployment_id.in_(list(deployment_ids))
    rows = conn.execute(select(t.deployment_schedule).where(wanted).order_by(_schedule.updated.desc(), _schedule.id)).mappings()
    found: dict[str, list[forms.Form]] = {}
    for row in rows:
        found.setdefault(row["deployment_id"], []).append(forms.schedule(row))
    return found


def read_schedules(conn: Connection, deployment_id: str) -> list[forms.Form]:
    """A deployment's schedules. NotFound."""
    _must_exist(conn, deployment_id)
    return schedules_of(conn, [deployment_id]).get(deployment_id, [])


def add_schedules(conn: Connection, deployment_id: str, schedules: list[DeploymentScheduleCreate], now: int) -> list[forms.Form]:
    """Adds schedules. NotFound; Conflict when a slug is taken."""
    _lock(conn, deployment_id)
    ids = insert_schedules(conn, deployment_id, schedules, now)
    _touch(conn, deployment_id, now)
    forms_by_id = {form["id"]: form for form in schedules_of(conn, [deployment_id])[deployment_id]} if ids else {}
    return [forms_by_id[schedule_id] for schedule_id in ids]


def insert_schedules(
    conn: Connection, deployment_id: str, schedules: Sequence[DeploymentScheduleCreate | DeploymentScheduleUpdate], now: int
) -> list[str]:
    """Stores schedules, returns their ids. Refused when one has no rule; Conflict when a slug is taken, or given twice.

    The deployment's row is locked by whoever calls this: of two at once, the second finds the slugs of the first.
    """
    taken = {form["slug"] for form in schedules_of(conn, [deployment_id]).get(deployment_id, [])}
    slugs = [entry.slug for entry in schedules if entry.slug]
    if taken.intersection(slugs) or len(set(slugs)) < len(slugs):
        raise Conflict("Schedule slugs must be unique within a deployment.")
    rows: list[dict[str, Any]] = []
    for entry in schedules:
        if entry.schedule is None:
            raise Refused(422, "Unable to create new deployment schedules without a schedule configuration.")
        row = {
            "id": timed_id(),  # by which they are read in the order in which they were given
            "deployment_id": deployment_id,
            "created": now,
            "updated": now,
            "schedule": entry.schedule.stored(),
            "active": True if entry.active is None else entry.active,
            "max_scheduled_runs": entry.max_scheduled_runs,
            "parameters": entry.parameters,
            "slug": entry.slug,
            "catchup": None if isinstance(entry.catchup, bool) else entry.catchup,
        }
        rows.append(row)
    if rows:
        conn.execute(insert(t.deployment_schedule), rows)
    return [row["id"] for row in rows]


def replace_schedules(
    conn: Connection, deployment_id: str, schedules: Sequence[DeploymentScheduleCreate | DeploymentScheduleUpdate], now: int
) -> None:
    """Puts schedules in the place of all there are."""
    conn.execute(delete(t.deployment_schedule).where(_schedule.deployment_id == deployment_id))
    insert_schedules(conn, deployment_id, schedules, now)


def update_schedule(conn: Connection, deployment_id: str, schedule_id: str, body: DeploymentScheduleUpdate, now: int) -> None:
    """Sets what is given. NotFound."""
    _must_exist(conn, deployment_id)
    changed = conn.execute(
        update(t.deployment_schedule)
        .where(_schedule.id == schedule_id, _schedule.deployment_id == deployment_id)
        .values(**_changes(body), updated=now)
    )
    if not changed.rowcount:
        raise NotFound("Schedule not found.")
    unplan(conn, deployment_id, now)
    _touch(conn, deployment_id, now)


def _changes(body: DeploymentScheduleUpdate) -> dict[str, Any]:
    given = body.given()
    changes = {name: given[name] for name in ("max_scheduled_runs", "parameters", "slug") if name in given}
    if given.get("active") is not None:
        changes["active"] = given["active"]
    if body.schedule is not None:
        changes["schedule"] = body.schedule.stored()
    if "catchup" in given and not isinstance(body.catchup, bool):
        changes["catchup"] = body.catchup
    return changes


def delete_schedule(conn: Connection, deployment_id: str, schedule_id: str, now: int) -> None:
    """Removes a schedule. NotFound."""
    _must_exist(conn, deployment_id)
    which = delete(t.deployment_schedule).where(_schedule.id == schedule_id, _schedule.deployment_id == deployment_id)
    if not conn.execute(which).rowcount:
        raise NotFound("Schedule not found.")
    unplan(conn, deployment_id, now)
    _touch(conn, deployment_id, now)


def merge_by_slug(conn: Connection, deployment_id: str, schedules: list[DeploymentScheduleUpdate], now: int) -> None:
    """Changes the schedules whose slugs are named (or that are replaced), adds the others, keeps those not named."""
    rows = conn.execute(select(_schedule.id, _schedule.slug).where(_schedule.deployment_id == deployment_id)).all()
    known = {row.slug: row.id for row in rows}
    replaced = [entry.replaces for entry in schedules if entry.replaces]
    if len(set(replaced)) < len(replaced):
        raise Refused(422, "Several schedules replace the same slug.")
    fresh: list[DeploymentScheduleUpdate] = []
    for entry in schedules:
        if entry.replaces and entry.slug in known and entry.slug not in replaced:
            raise Refused(422, f"Cannot rename schedule from '{entry.replaces}' to '{entry.slug}': that slug is taken.")
        schedule_id = known.get(entry.replaces or entry.slug)
        if schedule_id is None:
            fresh.append(entry)
        else:
            conn.execute(update(t.deployment_schedule).where(_schedule.id == schedule_id).values(**_changes(entry), updated=now))
    insert_schedules(conn, deployment_id, fresh, now)


def _must_exist(conn: Connection, deployment_id: str) -> None:
    if conn.execute(select(t.deployment.c.id).where(t.deployment.c.id == deployment_id)).first() is None:
        raise NotFound(MISSING)


def _lock(conn: Connection, deployment_id: str) -> None:
    """Locks the deployment for this transaction, where there are row locks; runs can still be made of it. NotFound."""
    if conn.execute(select(t.deployment.c.id).where(t.deployment.c.id == deployment_id).with_for_update(key_share=True)).first() is None:
        raise NotFound(MISSING)


def _touch(conn: Connection, deployment_id: str, now: int) -> None:
    """The scheduler looks soonest at what was updated last."""
    conn.execute(update(t.deployment).where(t.deployment.c.id == deployment_id).values(updated=now))
