"""Automations: stored, found, and taken along by what owns them (contract 10)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select, update

from flowhand.ids import new_id
from flowhand.wire.automations import AutomationCreate, AutomationUpdate
from flowhand.wire.events import RESOURCE_ID, RESOURCE_NAME
from flowhand.wire.filters import AutomationFilter, AutomationQuery
from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.errors import NotFound
from flowhand_server.store.events import emit
from flowhand_server.store.filters import condition
from flowhand_server.store.nouns import AUTOMATION
from flowhand_server.store.reading import bounded, insert_many_once, named_order

MISSING: Final = "Automation not found"
_automation, _related = t.automation.c, t.automation_related.c
_SHOWN: Final = ("name", "description", "enabled", "tags", "trigger", "actions", "actions_on_trigger", "actions_on_resolve")
_ACTIONS: Final = ("actions", "actions_on_trigger", "actions_on_resolve")
_NOUNS: Final = ("deployment", "work_queue", "work_pool", "automation")


def _form(row: Any) -> forms.Form:
    return {**forms.entity(row), **{name: row[name] for name in _SHOWN}}


def _columns(body: AutomationUpdate, *, all_of_it: bool) -> dict[str, Any]:
    """The columns of a body; not `all_of_it`: of what it says."""
    columns = body.model_dump(mode="json", include={"name", "description", "enabled", "tags", "trigger"})
    for name in _ACTIONS:
        columns[name] = [action.stored() for action in getattr(body, name)]
    return {name: value for name, value in columns.items() if all_of_it or name in body.model_fields_set}


def create_automation(conn: Connection, body: AutomationCreate, now: int) -> forms.Form:
    """A new automation."""
    automation_id = new_id()
    conn.execute(insert(t.automation).values(id=automation_id, created=now, updated=now, **_columns(body, all_of_it=True)))
    _relate(conn, automation_id, body.owner_resource)
    _tell(conn, "created", automation_id, body.name, now)
    return read_automation(conn, automation_id)


def _relate(conn: Connection, automation_id: str, owner: str | None) -> None:
    """Notes what an automation belongs to, and what its actions name."""
    stored = conn.execute(select(*(_automation[name] for name in _ACTIONS)).where(_automation.id == automation_id)).one()
    named = {resource for actions in stored for resource in _resources(actions)} - {owner}
    rows = [{"automation_id": automation_id, "resource_id": resource, "owned": False} for resource in sorted(named)]
    if owner is not None:
        rows.append({"automation_id": automation_id, "resource_id": owner, "owned": True})
    insert_many_once(conn, t.automation_related, rows)


def _resources(actions: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for action in actions:
        for noun in _NOUNS:
            key = action.get(f"{noun}_id")
            if key is not None:
                yield f"prefect.{noun.replace('_', '-')}.{key}"


def _tell(conn: Connection, what: str, automation_id: str, name: str, now: int) -> None:
    emit(conn, f"prefect.automation.{what}", {RESOURCE_ID: f"prefect.automation.{automation_id}", RESOURCE_NAME: name}, now)


def read_automation(conn: Connection, automation_id: str) -> forms.Form:
    """One automation. NotFound."""
    row = conn.execute(select(t.automation).where(_automation.id == automation_id)).mappings().first()
    if row is None:
        raise NotFound(MISSING)
    return _form(row)


def find_automations(conn: Connection, query: AutomationQuery) -> list[forms.Form]:
    """Automations that fit, in the order asked for."""
    statement = select(t.automation).order_by(*named_order(t.automation, query.sort))
    wanted = condition(query.automations, AUTOMATION)
    return [_form(row) for row in conn.execute(bounded(statement if wanted is None else statement.where(wanted), query)).mappings()]


def count_automations(conn: Connection, filters: AutomationFilter | None) -> int:
    """How many automations fit."""
    wanted = condition(filters, AUTOMATION)
    statement = select(func.count()).select_from(t.automation)
    return conn.execute(statement if wanted is None else statement.where(wanted)).scalar_one()


def related_automations(conn: Connection, resource_id: str) -> list[forms.Form]:
    """The automations that name a resource or belong to it."""
    ids = select(_related.automation_id).where(_related.resource_id == resource_id)
    rows = conn.execute(select(t.automation).where(_automation.id.in_(ids)).order_by(_automation.name)).mappings()
    return [_form(row) for row in rows]


def replace_automation(conn: Connection, automation_id: str, body: AutomationUpdate, now: int) -> None:
    """Puts another trigger and other actions in the place of what was there; its owner, and what is not said, stay. NotFound."""
    columns = _columns(body, all_of_it=False)
    changed = conn.execute(update(t.automation).where(_automation.id == automation_id).values(**columns, updated=now))
    if not changed.rowcount:
        raise NotFound(MISSING)
    _forget_counts(conn, automation_id)
    conn.execute(delete(t.automation_related).where(_related.automation_id == automation_id, _related.owned.is_(False)))
    _relate(conn, automation_id, None)
    _tell(conn, "updated", automation_id, body.name, now)


def _forget_counts(conn: Connection, automation_id: str) -> None:
    """What a trigger has counted is worth nothing to another one, nor after a pause."""
    for table in (t.automation_window, t.automation_firing):
        conn.execute(delete(table).where(table.c.automation_id == automation_id))


def switch_automation(conn: Connection, automation_id: str, enabled: bool, now: int) -> None:
    """Switches an automation on or off. NotFound."""
    conn.execute(update(t.automation).where(_automation.id == automation_id).values(enabled=enabled, updated=now))
    if not enabled:
        _forget_counts(conn, automation_id)
    _tell(conn, "updated", automation_id, read_automation(conn, automation_id)["name"], now)


def delete_automation(conn: Connection, automation_id: str, now: int) -> None:
    """Removes an automation. NotFound."""
    name = read_automation(conn, automation_id)["name"]
    conn.execute(delete(t.automation).where(_automation.id == automation_id))
    _tell(conn, "deleted", automation_id, name, now)


def delete_owned(conn: Connection, resource_id: str, now: int) -> None:
    """Removes the automations that belong to a resource. Idempotent."""
    owned = select(_related.automation_id).where(_related.resource_id == resource_id, _related.owned.is_(True))
    for automation_id in conn.execute(owned).scalars().all():
        delete_automation(conn, automation_id, now)
