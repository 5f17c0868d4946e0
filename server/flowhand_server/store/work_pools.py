"""Work pools: transactions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from flowhand.ids import new_id
from flowhand.wire.filters import WorkPoolFilter, WorkPoolQuery
from flowhand.wire.work_pools import WorkPoolCreate, WorkPoolUpdate
from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.errors import Conflict, NotFound
from flowhand_server.store.filters import condition
from flowhand_server.store.limits import used_by_queues
from flowhand_server.store.notices import config_changed
from flowhand_server.store.nouns import WORK_POOL
from flowhand_server.store.prepared import Prepared
from flowhand_server.store.reading import bounded, insert_once

DEFAULT_QUEUE: Final = "default"


def create_pool(conn: Connection, body: WorkPoolCreate, now: int) -> forms.Form:
    """A new pool with its queue `default`. Conflict when the name is taken."""
    if _insert_pool(conn, body, now) is None:
        raise Conflict("A work pool with this name already exists.")
    return read_pool(conn, body.name)


def _insert_pool(conn: Connection, body: WorkPoolCreate, now: int) -> str | None:
    """The new pool's id; None when the name is taken."""
    pool_id, queue_id = new_id(), new_id()
    values = body.model_dump(mode="json") | {"id": pool_id, "created": now, "updated": now, "default_queue_id": queue_id}
    if not insert_once(conn, t.work_pool, values):
        return None
    conn.execute(
        insert(t.work_queue).values(
            id=queue_id, created=now, updated=now, work_pool_id=pool_id, name=DEFAULT_QUEUE, description="", priority=1
        )
    )
    config_changed(conn)
    return pool_id


def ensure_pool(conn: Connection, name: str, now: int) -> str:
    """The id of the pool of this name; made when there is none, also where somebody else makes it at the same time."""
    which = select(t.work_pool.c.id).where(t.work_pool.c.name == name)
    found = conn.execute(which).scalar() or _insert_pool(conn, WorkPoolCreate(name=name), now)
    return found or conn.execute(which).scalar_one()


_BY_NAME: Final = Prepared(select(t.work_pool).where(t.work_pool.c.name == bindparam("name")))


def pool_row(conn: Connection, name: str) -> Any:
    """The row of the pool of this name. NotFound."""
    row = _BY_NAME.first(conn, name=name)
    if row is None:
        raise NotFound(f'Work pool "{name}" not found.')
    return row._asdict()


def read_pool(conn: Connection, name: str) -> forms.Form:
    """One pool. NotFound."""
    row = pool_row(conn, name)
    return forms.work_pool(row, _active_slots(conn, [row["id"]]).get(row["id"], 0))


def find_pools(conn: Connection, query: WorkPoolQuery) -> list[forms.Form]:
    """Pools that fit, by name."""
    wanted = condition(query.work_pools, WORK_POOL)
    statement = select(t.work_pool).order_by(t.work_pool.c.name)
    rows = conn.execute(bounded(statement if wanted is None else statement.where(wanted), query)).mappings().all()
    slots = _active_slots(conn, [row["id"] for row in rows])
    return [forms.work_pool(row, slots.get(row["id"], 0)) for row in rows]


def count_pools(conn: Connection, wanted: WorkPoolFilter | None) -> int:
    """How many pools fit."""
    fitting = condition(wanted, WORK_POOL)
    statement = select(func.count()).select_from(t.work_pool)
    return conn.execute(statement if fitting is None else statement.where(fitting)).scalar_one()


def update_pool(conn: Connection, name: str, body: WorkPoolUpdate, now: int) -> None:
    """Sets what is given. NotFound."""
    values = body.model_dump(mode="json", include=body.model_fields_set)
    for column in ("is_paused", "base_job_template"):
        if values.get(column, ...) is None:
            del values[column]
    changed = conn.execute(update(t.work_pool).where(t.work_pool.c.name == name).values(**values, updated=now))
    if not changed.rowcount:
        raise NotFound(f'Work pool "{name}" not found.')
    config_changed(conn)


def delete_pool(conn: Connection, name: str) -> None:
    """Removes a pool with its queues and workers; deployments and runs stay, without a pool. NotFound."""
    if not conn.execute(delete(t.work_pool).where(t.work_pool.c.name == name)).rowcount:
        raise NotFound(f'Work pool "{name}" not found.')
    config_changed(conn)


def _active_slots(conn: Connection, pool_ids: Iterable[str]) -> dict[str, int]:
    """By pool: how many slots its runs hold."""
    queues = conn.execute(select(t.work_queue.c.id, t.work_queue.c.work_pool_id).where(t.work_queue.c.work_pool_id.in_(list(pool_ids))))
    pool_of = {row.id: row.work_pool_id for row in queues}
    slots: dict[str, int] = {}
    for queue_id, count in used_by_queues(conn, pool_of).items():
        slots[pool_of[queue_id]] = slots.get(pool_of[queue_id], 0) + count
    return slots
