"""Global concurrency limits: made, read, changed (contract 10). Taking slots is in `slots`."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, delete, select, update

from flowhand.ids import is_id, new_id
from flowhand.wire.concurrency import LimitCreate, LimitUpdate
from flowhand.wire.filters import Window
from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.deployment_limits import limit_changed
from flowhand_server.store.errors import Conflict, NotFound
from flowhand_server.store.limits import used_of_limits
from flowhand_server.store.notices import config_changed
from flowhand_server.store.reading import bounded, insert_once
from flowhand_server.store.slots import collect_expired, decayed

MISSING: Final = "Concurrency Limit not found"
_limit = t.concurrency_limit.c


def create_limit(conn: Connection, body: LimitCreate, now: int) -> forms.Form:
    """A new limit. Conflict when the name is taken."""
    values = {"id": new_id(), "created": now, "updated": now, **body.model_dump()}
    if not insert_once(conn, t.concurrency_limit, values):
        raise Conflict("A concurrency limit with this name already exists.")
    row = limit_row(conn, body.name)
    return {**forms.global_limit(row, row["active_slots"]), **{name: row[name] for name in ("denied_slots", "avg_slot_occupancy_seconds")}}


def limit_row(conn: Connection, id_or_name: str) -> Any:
    """The row of a limit by id or name. NotFound."""
    which = _limit.id == id_or_name if is_id(id_or_name) else _limit.name == id_or_name
    row = conn.execute(select(t.concurrency_limit).where(which)).mappings().first()
    if row is None:
        raise NotFound(MISSING)
    return row


def read_limit(conn: Connection, id_or_name: str, now: int) -> forms.Form:
    """One limit with the slots in use now. NotFound."""
    row = limit_row(conn, id_or_name)
    return _forms(conn, [row], now)[0]


def find_limits(conn: Connection, window: Window, now: int) -> list[forms.Form]:
    """All limits, by name."""
    rows = conn.execute(bounded(select(t.concurrency_limit).order_by(_limit.name), window)).mappings().all()
    return _forms(conn, rows, now)


def _forms(conn: Connection, rows: Any, now: int) -> list[forms.Form]:
    """With the slots that runs of their deployments hold, and those that were taken by name and have not decayed yet."""
    held = used_of_limits(conn, [row["id"] for row in rows])
    return [forms.global_limit(row, held[row["id"]] + decayed(row, now)) for row in rows]


def update_limit(conn: Connection, id_or_name: str, body: LimitUpdate, now: int) -> None:
    """Sets what is given; deployments that share the limit follow. NotFound; Conflict when the new name is taken."""
    collect_expired(conn, now)
    row = limit_row(conn, id_or_name)
    if conn.execute(select(_limit.id).where(_limit.name == body.name, _limit.id != row["id"])).first():
        raise Conflict("A concurrency limit with this name already exists.")
    values = {name: value for name, value in body.given().items() if value is not None}
    conn.execute(update(t.concurrency_limit).where(_limit.id == row["id"]).values(**values, updated=now))
    limit_changed(conn, row["id"])
    config_changed(conn)


def delete_limit(conn: Connection, id_or_name: str) -> None:
    """Removes a limit; deployments that shared it have none any more. NotFound."""
    row = limit_row(conn, id_or_name)
    conn.execute(delete(t.concurrency_limit).where(_limit.id == row["id"]))
    limit_changed(conn, row["id"])
    config_changed(conn)
