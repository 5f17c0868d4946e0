"""Who holds the slots of a pool or a queue."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, func, select

from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.errors import NotFound
from flowhand_server.store.limits import ACTIVE_SQL
from flowhand_server.store.work_pools import pool_row

_run, _queue = t.flow_run.c, t.work_queue.c
_HOLDING: Final = (ACTIVE_SQL, _run.state_type != "CANCELLING")


def _holders(conn: Connection, queue_id: str, offset: int, limit: int, now: int) -> list[forms.Form]:
    columns = (_run.id, _run.name, _run.start_time, _run.state_name, _run.state_type, _run.state_timestamp)
    statement = select(*columns).where(*_HOLDING, _run.work_queue_id == queue_id).order_by(_run.state_timestamp, _run.id)
    return [
        {
            "id": row.id,
            "name": row.name,
            "start_time": forms.iso(row.start_time),
            "state_name": row.state_name,
            "state_type": row.state_type,
            "state_timestamp": forms.iso(row.state_timestamp),
            "time_in_current_state": (now - row.state_timestamp) / 1e6,
        }
        for row in conn.execute(statement.offset(offset).limit(limit))
    ]


def _held(conn: Connection, queue_id: str) -> int:
    return conn.execute(select(func.count()).select_from(t.flow_run).where(*_HOLDING, _run.work_queue_id == queue_id)).scalar_one()


def queue_status(conn: Connection, queue_id: str, page: int, limit: int, now: int) -> forms.Form:
    """A queue's slots and, page by page, the runs that hold them. NotFound."""
    row = conn.execute(select(_queue.concurrency_limit).where(_queue.id == queue_id)).first()
    if row is None:
        raise NotFound("Work queue not found.")
    held = _held(conn, queue_id)
    runs = _holders(conn, queue_id, (page - 1) * limit, limit, now)
    return {"concurrency_limit": row.concurrency_limit, "active_slots": held, "flow_runs": runs, **_paged(held, page, limit)}


def pool_status(conn: Connection, name: str, page: int, limit: int, runs: int, now: int) -> forms.Form:
    """A pool's slots and, page by page, its queues with some of the runs that hold them. NotFound."""
    pool = pool_row(conn, name)
    queues = conn.execute(select(t.work_queue).where(_queue.work_pool_id == pool["id"]).order_by(_queue.priority)).mappings().all()
    shown = [_of_queue(conn, row, runs, now) for row in queues]
    part = shown[(page - 1) * limit : page * limit]
    total = sum(queue["active_slots"] for queue in shown)
    return {"concurrency_limit": pool["concurrency_limit"], "active_slots": total, "queues": part, **_paged(len(shown), page, limit)}


def _of_queue(conn: Connection, row: Any, runs: int, now: int) -> forms.Form:
    held = _held(conn, row["id"])
    return {
        "queue_id": row["id"],
        "queue_name": row["name"],
        "concurrency_limit": row["concurrency_limit"],
        "active_slots": held,
        "flow_run_count": held,
        "flow_runs": _holders(conn, row["id"], 0, runs, now),
    }


def _paged(count: int, page: int, limit: int) -> forms.Form:
    return {"count": count, "page": page, "limit": limit, "pages": -(-count // limit) if limit else 0}
