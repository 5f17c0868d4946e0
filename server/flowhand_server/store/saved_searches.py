"""Saved searches of the interface: transactions."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, delete, select, update

from flowhand.ids import new_id
from flowhand.wire.filters import Window
from flowhand.wire.saved_searches import SavedSearchCreate
from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.errors import NotFound
from flowhand_server.store.reading import bounded, insert_once

MISSING: Final = "Saved search not found"
_search = t.saved_search.c


def _form(row: Any) -> forms.Form:
    return {**forms.entity(row), "name": row["name"], "filters": row["filters"]}


def save_search(conn: Connection, body: SavedSearchCreate, now: int) -> tuple[forms.Form, bool]:
    """The search of this name with these filters, and whether it is new."""
    row = {"id": new_id(), "created": now, "updated": now, **body.model_dump(mode="json")}
    made = insert_once(conn, t.saved_search, row)
    if not made:
        conn.execute(update(t.saved_search).where(_search.name == body.name).values(filters=row["filters"], updated=now))
    return _form(conn.execute(select(t.saved_search).where(_search.name == body.name)).mappings().one()), made


def read_search(conn: Connection, search_id: str) -> forms.Form:
    """One search. NotFound."""
    row = conn.execute(select(t.saved_search).where(_search.id == search_id)).mappings().first()
    if row is None:
        raise NotFound(MISSING)
    return _form(row)


def find_searches(conn: Connection, window: Window) -> list[forms.Form]:
    """All searches, by name."""
    return [_form(row) for row in conn.execute(bounded(select(t.saved_search).order_by(_search.name), window)).mappings()]


def delete_search(conn: Connection, search_id: str) -> None:
    """Removes a search. NotFound."""
    if not conn.execute(delete(t.saved_search).where(_search.id == search_id)).rowcount:
        raise NotFound(MISSING)
