"""What a watcher is told of a run: its state, its new log lines, and in words why it does not start."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, RowMapping, bindparam, select

from flowhand.wire.runner import WatchedLine, WatchReply, WatchRequest
from flowhand.wire.states import TERMINAL, StateName, StateType

from .errors import NotFound
from .limits import deployment_use, used_by_queues
from .presence import deployment_is_served, pool_is_live
from .tables import deployment, flow_run, flow_run_state, lease, log, work_pool, work_queue

MAX_LINES: Final = 1_000
"""Log lines of one reply; the rest comes with the next."""

_r, _s = flow_run.c, flow_run_state.c
_RUN: Final = (
    select(
        _r.id,
        _r.name,
        _r.state_id,
        _r.state_type,
        _r.state_name,
        _r.state_timestamp,
        _r.next_scheduled_start_time,
        _r.deployment_id,
        _r.auto_scheduled,
        _s.message,
        work_pool.c.id.label("pool_id"),
        work_pool.c.name.label("pool"),
        work_pool.c.is_paused.label("pool_paused"),
        work_pool.c.concurrency_limit.label("pool_limit"),
        work_queue.c.id.label("queue_id"),
        work_queue.c.name.label("queue"),
        work_queue.c.is_paused.label("queue_paused"),
        work_queue.c.concurrency_limit.label("queue_limit"),
        deployment.c.paused,
        deployment.c.concurrency_limit,
        deployment.c.global_concurrency_limit_id,
    )
    .outerjoin_from(flow_run, flow_run_state, _s.id == _r.state_id)
    .outerjoin(work_pool, work_pool.c.id == _r.work_pool_id)
    .outerjoin(work_queue, work_queue.c.id == _r.work_queue_id)
    .outerjoin(deployment, deployment.c.id == _r.deployment_id)
    .where(_r.id == bindparam("id"))
)
_LINES: Final = (
    select(log.c.cursor, log.c.timestamp, log.c.level, log.c.name, log.c.message, log.c.task_run_id)
    .where(log.c.flow_run_id == bindparam("id"), log.c.cursor > bindparam("after"))
    .order_by(log.c.cursor)
    .limit(MAX_LINES)
)
_PROVISIONAL: Final = select(lease.c.flow_run_id).where(
    lease.c.flow_run_id == bindparam("id"), lease.c.ended_at.is_(None), lease.c.provisional_until.is_not(None)
)


def watch(conn: Connection, request: WatchRequest, now: int) -> WatchReply:
    """The run as it is, and what is new behind the cursor. NotFound for an unknown run."""
    row = conn.execute(_RUN, {"id": request.flow_run_id}).mappings().first()
    if row is None:
        raise NotFound("Flow run not found")
    lines = _lines(conn, request) if request.logs else []
    return WatchReply(
        flow_run_id=row["id"],
        name=row["name"],
        state_id=row["state_id"],
        state_type=row["state_type"],
        state_name=row["state_name"],
        message=row["message"],
        stamp_us=row["state_timestamp"],
        terminal=row["state_type"] in TERMINAL and not _is_provisional(conn, row),
        why=why_it_waits(conn, row, now),
        logs=lines,
        logs_after=lines[-1].cursor if lines else request.logs_after,
    )


def has_news(request: WatchRequest, reply: WatchReply) -> bool:
    """Whether the reply says something that the watcher does not know."""
    return reply.state_id != request.state_id or bool(reply.logs)


def _is_provisional(conn: Connection, row: RowMapping) -> bool:
    return row["state_type"] == StateType.CRASHED and conn.execute(_PROVISIONAL, {"id": row["id"]}).first() is not None


def _lines(conn: Connection, request: WatchRequest) -> list[WatchedLine]:
    rows = conn.execute(_LINES, {"id": request.flow_run_id, "after": request.logs_after})
    return [
        WatchedLine(cursor=cursor, stamp_us=stamp, level=level, name=name, message=message, task_run_id=task)
        for cursor, stamp, level, name, message, task in (tuple(row) for row in rows)
    ]


def why_it_waits(conn: Connection, row: RowMapping, now: int) -> str | None:
    """Why a scheduled run does not start; None when it is not scheduled, or not due and nothing is in its way."""
    if row["state_type"] != StateType.SCHEDULED:
        return None
    reason = _why_pool(conn, row, now) if row["pool_id"] else _why_served(conn, row, now)
    reason = reason or _why_limit(conn, row)
    if reason is None and row["state_name"] == StateName.LATE:
        return "late"
    return reason


def _why_pool(conn: Connection, row: RowMapping, now: int) -> str | None:
    if row["pool_paused"]:
        return f"work pool {row['pool']!r} is paused"
    if row["queue_paused"]:
        return f"work queue {row['queue']!r} is paused"
    if not pool_is_live(conn, row["pool_id"], now):
        return f"no live worker in pool {row['pool']!r}"
    if row["pool_limit"] is not None:
        queues = conn.execute(select(work_queue.c.id).where(work_queue.c.work_pool_id == row["pool_id"])).scalars()
        if sum(used_by_queues(conn, queues).values()) >= row["pool_limit"]:
            return f"work pool {row['pool']!r} is at its concurrency limit ({row['pool_limit']})"
    if row["queue_limit"] is not None and used_by_queues(conn, [row["queue_id"]]).get(row["queue_id"], 0) >= row["queue_limit"]:
        return f"work queue {row['queue']!r} is at its concurrency limit ({row['queue_limit']})"
    return None


def _why_served(conn: Connection, row: RowMapping, now: int) -> str | None:
    if row["deployment_id"] is None:
        return None
    return None if deployment_is_served(conn, row["deployment_id"], now) else "no runner is serving this deployment"


def _why_limit(conn: Connection, row: RowMapping) -> str | None:
    limit: Any = row["concurrency_limit"]
    if row["auto_scheduled"] and row["paused"]:
        return "the deployment is paused"
    if limit is None:
        return None
    used = deployment_use(conn, row["deployment_id"], row["global_concurrency_limit_id"])
    return f"deployment is at its concurrency limit ({limit})" if used >= limit else None
