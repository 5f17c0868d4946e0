"""What a session may claim: the queues of its pool, or the deployments that its script serves; and in words why that is nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, bindparam, func, select

from .lanes import Lane, Queue, lanes_of_deployments, lanes_of_queue
from .limits import ACTIVE_SQL, used_by_queues
from .prepared import Prepared, among
from .presence import deployments_polled, queues_polled
from .sessions import Session
from .tables import flow_run, work_pool, work_queue

POLLED_EVERY_US: Final = 10_000_000
"""How stale the note of a poll may become before it is written anew. Prefect's workers ask as often."""


@dataclass(slots=True)
class Scope:
    """The lanes that a session may take from. `room` is how many runs the pool may still start; None: no limit."""

    lanes: list[Lane] = field(default_factory=list[Lane])
    room: int | None = None
    pool: str | None = None
    limit: int | None = None
    nothing: str | None = None
    """Why nothing can be given at all."""
    queues: list[Queue] = field(default_factory=list[Queue])
    last_polled: int | None = None

    def why(self, blocked: Iterable[Lane]) -> str | None:
        """In words why nothing is given although something is due; None when nothing is due."""
        if self.nothing:
            return self.nothing
        if self.room is not None and self.room <= 0:
            return f"work pool {self.pool!r} is at its concurrency limit ({self.limit})"
        return next((_why(lane) for lane in blocked), None)

    def polled(self, conn: Connection, opened: Session, now: int) -> None:
        """Notes that the queues, or the deployments, are asked for (contract 5.6)."""
        if opened.kind == "serve":
            if opened.deployments and opened.unnoted(now):
                deployments_polled(conn, opened.deployments, now)
        elif self.queues and (self.last_polled is None or now - self.last_polled >= POLLED_EVERY_US):
            queues_polled(conn, [queue.id for queue in self.queues], now)


def _why(lane: Lane) -> str:
    if lane.room == 0:
        return f"deployment {lane.name!r} is at its concurrency limit ({lane.limit})"
    if lane.queue is not None and lane.queue.room == 0:
        return f"work queue {lane.queue.name!r} is at its concurrency limit"
    return "the concurrency limit is reached"


_pool: Final = (
    select(
        work_pool.c.name,
        work_pool.c.is_paused,
        work_pool.c.concurrency_limit,
        work_queue.c.id,
        work_queue.c.name.label("queue"),
        work_queue.c.is_paused.label("queue_paused"),
        work_queue.c.concurrency_limit.label("queue_limit"),
        work_queue.c.priority,
        work_queue.c.last_polled,
    )
    .join_from(work_pool, work_queue, work_queue.c.work_pool_id == work_pool.c.id)
    .where(work_pool.c.id == bindparam("pool"))
    .order_by(work_queue.c.priority, work_queue.c.id)
)
_POOL: Final = Prepared(_pool)
_LOCKED_POOL: Final = Prepared(_pool.with_for_update(of=work_pool))
_USED_BY_POOL: Final = Prepared(
    select(func.count())
    .select_from(flow_run)
    .where(ACTIVE_SQL, flow_run.c.state_type != "CANCELLING", among(flow_run.c.work_queue_id, "ids"))
)


def find_scope(conn: Connection, opened: Session, *, lock: bool) -> Scope:
    """The lanes of a session's pool or deployments, with the room that limits leave.

    With `lock` the pool's row is locked (where there are row locks), so that two claims cannot count the same free slots.
    """
    if opened.work_pool_id is None:
        ids = opened.deployments
        return Scope(lanes=lanes_of_deployments(conn, ids)) if ids else Scope(nothing="this session serves no deployment")
    rows = (_LOCKED_POOL if lock else _POOL).all(conn, pool=opened.work_pool_id)
    if not rows:
        return Scope(nothing="the work pool is gone")
    pool = rows[0]
    scope = Scope(pool=pool.name, limit=pool.concurrency_limit)
    if pool.is_paused:
        scope.nothing = f"work pool {pool.name!r} is paused"
        return scope
    wanted = [row for row in rows if not opened.work_queues or row.queue in opened.work_queues]
    open_rows = [row for row in wanted if not row.queue_paused]
    if not open_rows:
        scope.nothing = _no_queue(opened, pool.name, paused=bool(wanted))
        return scope
    limited = [row.id for row in open_rows if row.queue_limit is not None]
    used = used_by_queues(conn, limited)
    for row in open_rows:
        room = None if row.queue_limit is None else max(0, row.queue_limit - used.get(row.id, 0))
        scope.queues.append(Queue(row.id, opened.work_pool_id, row.queue, row.priority, room))
    scope.last_polled = min((row.last_polled or 0 for row in open_rows), default=None)
    if scope.limit is not None:
        scope.room = max(0, scope.limit - _USED_BY_POOL.scalar(conn, ids=[row.id for row in rows]))
    scope.lanes = [lane for queue in scope.queues for lane in lanes_of_queue(conn, queue)]
    return scope


def _no_queue(opened: Session, pool: str, *, paused: bool) -> str:
    if paused:
        return f"every work queue of this worker in pool {pool!r} is paused"
    return f"work pool {pool!r} has no queue named {' or '.join(opened.work_queues)}"
