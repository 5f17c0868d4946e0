"""Workers of a pool: transactions."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select, update

from flowhand.wire.filters import WorkerQuery
from flowhand.wire.work_pools import Heartbeat
from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.errors import NotFound
from flowhand_server.store.filters import condition
from flowhand_server.store.notices import config_changed
from flowhand_server.store.nouns import WORKER
from flowhand_server.store.presence import SILENT, UNKNOWN_S, worker_seen
from flowhand_server.store.reading import bounded
from flowhand_server.store.work_pools import pool_row

_worker = t.worker.c


def heartbeat(conn: Connection, pool: str, body: Heartbeat, now: int) -> None:
    """A worker lives: made on its first heartbeat, online after each; its pool becomes ready. NotFound without the pool."""
    worker_seen(conn, pool_row(conn, pool)["id"], body.name, body.heartbeat_interval_seconds or None, now)


def find_workers(conn: Connection, pool: str, query: WorkerQuery, now: int) -> list[forms.Form]:
    """The pool's workers that fit, the last heard first. One whose heartbeats stopped is offline. NotFound without the pool."""
    pool_id = pool_row(conn, pool)["id"]
    statement = select(t.worker).where(_worker.work_pool_id == pool_id).order_by(_worker.last_heartbeat_time.desc(), _worker.id)
    wanted = condition(query.workers, WORKER)
    rows = conn.execute(bounded(statement if wanted is None else statement.where(wanted), query)).mappings()
    return [forms.worker({**row, "status": "ONLINE" if _online(row, now) else "OFFLINE"}) for row in rows]


def _online(row: forms.Row, now: int) -> bool:
    interval = row["heartbeat_interval_seconds"] or UNKNOWN_S
    heard = row["last_heartbeat_time"]
    return row["status"] == "ONLINE" and heard is not None and now - heard <= SILENT * interval * 1_000_000


def delete_worker(conn: Connection, pool: str, name: str) -> None:
    """Forgets a worker. NotFound."""
    pool_id = pool_row(conn, pool)["id"]
    if not conn.execute(delete(t.worker).where(_worker.work_pool_id == pool_id, _worker.name == name)).rowcount:
        raise NotFound("Worker not found.")


def drain_worker(conn: Connection, pool: str, name: str) -> None:
    """Asks the daemon behind a worker to drain, by the answer to whatever it asks next. NotFound for one that has no open session here."""
    of_it = (t.session.c.work_pool_id == pool_row(conn, pool)["id"], t.session.c.name == name, t.session.c.status == "open")
    if not conn.execute(update(t.session).where(*of_it).values(drain=True)).rowcount:
        raise NotFound("Worker not found.")
    config_changed(conn)
