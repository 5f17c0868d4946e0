"""Flows: transactions."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from flowhand.ids import new_id
from flowhand.wire.filters import Entities, NamedQuery
from flowhand.wire.flows import FlowCreate, FlowUpdate
from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.errors import NotFound
from flowhand_server.store.nouns import where
from flowhand_server.store.reading import bounded, insert_once, named_order

MISSING = "Flow not found"


def create_flow(conn: Connection, body: FlowCreate, now: int) -> tuple[forms.Form, bool]:
    """The flow of this name, and whether it was made now. A known flow is left as it is."""
    values = {"id": new_id(), "created": now, "updated": now, "name": body.name, "tags": body.tags, "labels": body.labels or {}}
    made = insert_once(conn, t.flow, values)
    row = conn.execute(select(t.flow).where(t.flow.c.name == body.name)).mappings().one()
    return forms.flow(row), made


def read_flow(conn: Connection, flow_id: str) -> forms.Form:
    """One flow. NotFound."""
    return _one(conn, t.flow.c.id == flow_id)


def read_flow_by_name(conn: Connection, name: str) -> forms.Form:
    """One flow. NotFound."""
    return _one(conn, t.flow.c.name == name)


def _one(conn: Connection, condition: Any) -> forms.Form:
    row = conn.execute(select(t.flow).where(condition)).mappings().first()
    if row is None:
        raise NotFound(MISSING)
    return forms.flow(row)


def find_flows(conn: Connection, query: NamedQuery) -> list[forms.Form]:
    """Flows that fit, in the order asked for."""
    statement = select(t.flow).where(*where(t.flow, query)).order_by(*named_order(t.flow, query.sort))
    return [forms.flow(row) for row in conn.execute(bounded(statement, query)).mappings()]


def count_flows(conn: Connection, query: Entities) -> int:
    """How many flows fit."""
    return conn.execute(select(func.count()).select_from(t.flow).where(*where(t.flow, query))).scalar_one()


def update_flow(conn: Connection, flow_id: str, body: FlowUpdate, now: int) -> None:
    """Sets what is given. NotFound."""
    changed = conn.execute(update(t.flow).where(t.flow.c.id == flow_id).values(**body.given(), updated=now))
    if not changed.rowcount:
        raise NotFound(MISSING)


def delete_flow(conn: Connection, flow_id: str) -> None:
    """Removes a flow with its deployments and runs. NotFound."""
    if not conn.execute(delete(t.flow).where(t.flow.c.id == flow_id)).rowcount:
        raise NotFound(MISSING)
