"""Work queues: transactions."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from flowhand.ids import new_id
from flowhand.wire.filters import WorkQueueQuery
from flowhand.wire.pool_types import AGENT_POOL
from flowhand.wire.states import StateName
from flowhand.wire.work_pools import WorkQueueCreate, WorkQueueHealthPolicy, WorkQueueUpdate
from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.errors import Conflict, NotFound
from flowhand_server.store.filters import condition
from flowhand_server.store.limits import used_by_queues
from flowhand_server.store.notices import config_changed
from flowhand_server.store.nouns import WORK_QUEUE
from flowhand_server.store.queue_priorities import lock_order, make_way, next_priority
from flowhand_server.store.reading import bounded, insert_once
from flowhand_server.store.work_pools import DEFAULT_QUEUE, ensure_pool, pool_row

MISSING: Final = "Work queue not found."
_queue = t.work_queue.c
_SELECT: Final[Select[Any]] = select(t.work_queue, t.work_pool.c.name.label("work_pool_name")).join_from(
    t.work_queue, t.work_pool, t.work_pool.c.id == _queue.work_pool_id
)


def create_queue(conn: Connection, pool: str | None, body: WorkQueueCreate, now: int) -> forms.Form:
    """A new queue of the pool (of the agents' pool when none is named). NotFound without the pool, Conflict when the name is taken.

    When the agents' pool is made for it, its queue `default` is made with it, and is the one to answer.
    """
    if pool is None and body.name == DEFAULT_QUEUE and not _has_agent_pool(conn):
        queue_id, _ = ensure_queue(conn, ensure_pool(conn, AGENT_POOL, now), DEFAULT_QUEUE, now)
        update_queue(conn, queue_id, WorkQueueUpdate(**body.model_dump(exclude_unset=True)), now)
        return read_queue(conn, queue_id)
    pool_id = ensure_pool(conn, AGENT_POOL, now) if pool is None else pool_row(conn, pool)["id"]
    lock_order(conn, pool_id)
    queue_id = new_id()
    values = body.model_dump(mode="json") | {"id": queue_id, "created": now, "updated": now, "work_pool_id": pool_id}
    values["priority"] = body.priority or next_priority(conn, pool_id)
    if not insert_once(conn, t.work_queue, values):
        raise Conflict("A work queue with this name already exists.")
    make_way(conn, queue_id, now)
    config_changed(conn)
    return read_queue(conn, queue_id)


def _has_agent_pool(conn: Connection) -> bool:
    return conn.execute(select(t.work_pool.c.id).where(t.work_pool.c.name == AGENT_POOL)).first() is not None


def ensure_queue(conn: Connection, pool_id: str, name: str | None, now: int) -> tuple[str, str]:
    """Id and name of the pool's queue of this name (None: the default one); made, with the next free priority, when there is none."""
    wanted = name or DEFAULT_QUEUE
    found = _id_of(conn, pool_id, wanted)
    if found is None:
        lock_order(conn, pool_id)
        found = _id_of(conn, pool_id, wanted) or _append(conn, pool_id, wanted, now)
    return found, wanted


def _id_of(conn: Connection, pool_id: str, name: str) -> str | None:
    return conn.execute(select(_queue.id).where(_queue.work_pool_id == pool_id, _queue.name == name)).scalar()


def _append(conn: Connection, pool_id: str, name: str, now: int) -> str:
    queue_id, priority = new_id(), next_priority(conn, pool_id)
    row = {"id": queue_id, "created": now, "updated": now, "work_pool_id": pool_id, "name": name, "priority": priority}
    conn.execute(insert(t.work_queue).values(**row))
    config_changed(conn)
    return queue_id


def read_queue(conn: Connection, queue_id: str) -> forms.Form:
    """One queue by id. NotFound."""
    return _one(conn, _queue.id == queue_id)


def read_queue_by_name(conn: Connection, pool: str, name: str) -> forms.Form:
    """One queue by pool and name. NotFound."""
    return _one(conn, t.work_pool.c.name == pool, _queue.name == name)


def _one(conn: Connection, *conditions: Any) -> forms.Form:
    row = conn.execute(_SELECT.where(*conditions)).mappings().first()
    if row is None:
        raise NotFound(MISSING)
    return forms.work_queue(row, used_by_queues(conn, [row["id"]]).get(row["id"], 0))


def find_queues(conn: Connection, query: WorkQueueQuery, pool: str | None = None) -> list[forms.Form]:
    """Queues that fit, of one pool in the order of their priority, of all by name. NotFound without the pool."""
    statement = _SELECT.order_by(_queue.name)
    if pool is not None:
        statement = _SELECT.where(_queue.work_pool_id == pool_row(conn, pool)["id"]).order_by(_queue.priority, _queue.name)
    wanted = condition(query.work_queues, WORK_QUEUE)
    rows = conn.execute(bounded(statement if wanted is None else statement.where(wanted), query)).mappings().all()
    slots = used_by_queues(conn, [row["id"] for row in rows])
    return [forms.work_queue(row, slots.get(row["id"], 0)) for row in rows]


def update_queue(conn: Connection, queue_id: str, body: WorkQueueUpdate, now: int) -> None:
    """Sets what is given. The queues in the way of a new priority come after it. NotFound, Conflict when the new name is taken."""
    values = body.model_dump(mode="json", include=body.model_fields_set)
    if "last_polled" in values:
        values["last_polled"] = now if body.last_polled else None
    row = conn.execute(select(_queue.work_pool_id).where(_queue.id == queue_id)).first()
    if row is None:
        raise NotFound(MISSING)
    if body.name is not None or body.priority is not None:
        lock_order(conn, row.work_pool_id)
    taken = select(_queue.id).where(_queue.work_pool_id == row.work_pool_id, _queue.name == body.name, _queue.id != queue_id)
    if body.name is not None and conn.execute(taken).first():
        raise Conflict("A work queue with this name already exists.")
    values = {name: value for name, value in values.items() if value is not None or _queue[name].nullable}
    conn.execute(update(t.work_queue).where(_queue.id == queue_id).values(**values, updated=now))
    if "priority" in values:
        make_way(conn, queue_id, now)
    config_changed(conn)


def delete_queue(conn: Connection, queue_id: str) -> None:
    """Removes a queue. NotFound; Conflict for the default queue of a pool, which stays as long as its pool."""
    if conn.execute(select(t.work_pool.c.id).where(t.work_pool.c.default_queue_id == queue_id)).first():
        raise Conflict("The default queue of a work pool cannot be deleted.")
    if not conn.execute(delete(t.work_queue).where(_queue.id == queue_id)).rowcount:
        raise NotFound(MISSING)
    config_changed(conn)


def queue_id_of(conn: Connection, pool: str, name: str) -> str:
    """The id of a pool's queue. NotFound."""
    return read_queue_by_name(conn, pool, name)["id"]


def queue_status(conn: Connection, queue_id: str, now: int) -> forms.Form:
    """Whether a queue is polled and keeps up. NotFound."""
    row = conn.execute(select(_queue.last_polled).where(_queue.id == queue_id)).first()
    if row is None:
        raise NotFound(MISSING)
    policy = WorkQueueHealthPolicy()
    run = t.flow_run.c
    late = select(func.count()).where(run.work_queue_id == queue_id, run.state_type == "SCHEDULED", run.state_name == StateName.LATE)
    late_runs = conn.execute(late).scalar_one()
    polled = row.last_polled is not None and now - row.last_polled <= (policy.maximum_seconds_since_last_polled or 0) * 1_000_000
    return {
        "healthy": polled and late_runs <= (policy.maximum_late_runs or 0),
        "late_runs_count": late_runs,
        "last_polled": forms.iso(row.last_polled),
        "health_check_policy": policy.model_dump(),
    }


def queues_of_deployment(conn: Connection, deployment_id: str) -> list[forms.Form]:
    """The queues that a deployment's runs go to. NotFound without the deployment."""
    row = conn.execute(select(t.deployment.c.work_queue_id).where(t.deployment.c.id == deployment_id)).first()
    if row is None:
        raise NotFound("Deployment not found")
    return [read_queue(conn, row.work_queue_id)] if row.work_queue_id else []
