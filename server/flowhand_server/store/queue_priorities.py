"""The order of a pool's queues: no two of them have the same priority. Whoever changes it has locked it before (`lock_order`)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, select, update

from flowhand_server.store import tables as t

_queue: Final = t.work_queue.c


def lock_order(conn: Connection, pool_id: str) -> None:
    """Locks the order of a pool's queues for this transaction, where there are row locks: two that look for a free priority at once, or for
    who is in their way, would both take the same. It comes before priorities are read, and before any lock that a claim waits for: a claim
    locks its pool, then the deployments' limits.
    """
    conn.execute(select(t.work_pool.c.id).where(t.work_pool.c.id == pool_id).with_for_update(key_share=True))


def next_priority(conn: Connection, pool_id: str) -> int:
    """The first priority of the pool that no queue has."""
    taken = set(conn.execute(select(_queue.priority).where(_queue.work_pool_id == pool_id)).scalars())
    return next(number for number in range(1, len(taken) + 2) if number not in taken)


def make_way(conn: Connection, queue_id: str, now: int) -> None:
    """Has every queue that stands in the way of this one's priority come after it, and moves as few as that takes."""
    mine = conn.execute(select(_queue.work_pool_id, _queue.priority).where(_queue.id == queue_id)).one()
    behind = conn.execute(
        select(_queue.id, _queue.priority)
        .where(_queue.work_pool_id == mine.work_pool_id, _queue.id != queue_id, _queue.priority >= mine.priority)
        .order_by(_queue.priority, _queue.name)
    )
    last = mine.priority
    for queue in behind.all():
        if queue.priority > last:
            return
        last += 1
        conn.execute(update(t.work_queue).where(_queue.id == queue.id).values(priority=last, updated=now))
