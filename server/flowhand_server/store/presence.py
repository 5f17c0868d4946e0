"""Who is there: workers that are heard of, pools, queues and deployments that are polled (contract 5.4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, bindparam, func, insert, select, update

from flowhand.ids import new_id

from .prepared import Prepared, among
from .readiness import Turn
from .tables import deployment, session, work_pool, work_queue, worker

SILENT: Final = 3
"""Heartbeats that may be missed before a session or worker counts as gone."""
UNKNOWN_S: Final = 30
"""Seconds between heartbeats of a worker that does not say (contract 5.4)."""

_NOTED_EVERY_US: Final = 30_000_000
"""How stale the note on a pool's deployments may become; there may be thousands of them."""


_here: Final = (worker.c.work_pool_id == bindparam("pool"), worker.c.name == bindparam("named"))
_WORKER: Final = Prepared(select(worker.c.id).where(*_here))
_BEATEN: Final = ("last_heartbeat_time", "heartbeat_interval_seconds", "updated")
_NEW_WORKER: Final = Prepared(insert(worker), "id", "created", "work_pool_id", "name", *_BEATEN)
_BEAT: Final = Prepared(update(worker).where(worker.c.id == bindparam("b_id")).values({name: bindparam(name) for name in _BEATEN}))
_online: Final = Turn(worker, worker.c.id == bindparam("b_id"), "ONLINE")
_offline: Final = Turn(worker, worker.c.id == bindparam("b_id"), "OFFLINE")
_pool_ready: Final = Turn(work_pool, work_pool.c.id == bindparam("b_id"), "READY")


def worker_seen(conn: Connection, pool_id: str, name: str, interval_s: float | None, now: int) -> str:
    """A worker of the pool lives: made when it is new, online, its pool ready. Its id. `interval_s` is None when it does not say."""
    beat = {"last_heartbeat_time": now, "heartbeat_interval_seconds": interval_s, "updated": now}
    found = _WORKER.scalar(conn, pool=pool_id, named=name)
    if found is None:
        found = new_id()
        _NEW_WORKER.run(conn, id=found, created=now, work_pool_id=pool_id, name=name, **beat)
    else:
        _BEAT.run(conn, b_id=found, **beat)
    _online(conn, now, b_id=found)
    _pool_ready(conn, now, b_id=pool_id)
    return found


def worker_gone(conn: Connection, worker_id: str, now: int) -> None:
    """The worker has said that it leaves."""
    _offline(conn, now, b_id=worker_id)


_QUEUES_POLLED: Final = Prepared(update(work_queue).where(among(work_queue.c.id, "queues")).values(last_polled=bindparam("now")))
_queues_ready: Final = Turn(work_queue, among(work_queue.c.id, "queues"), "READY")
_THEIRS_POLLED: Final = Prepared(
    update(deployment)
    .where(
        among(deployment.c.work_queue_id, "queues"),
        deployment.c.last_polled.is_(None) | (deployment.c.last_polled < bindparam("stale")),
    )
    .values(last_polled=bindparam("now"))
)
_theirs_ready: Final = Turn(deployment, among(deployment.c.work_queue_id, "queues"), "READY")
_DEPLOYMENTS_POLLED: Final = Prepared(update(deployment).where(among(deployment.c.id, "ids")).values(last_polled=bindparam("now")))
_deployments_ready: Final = Turn(deployment, among(deployment.c.id, "ids"), "READY")


def queues_polled(conn: Connection, ids: Iterable[str], now: int) -> None:
    """Somebody asks these queues for runs, and so for those of their deployments."""
    wanted = list(ids)
    _QUEUES_POLLED.run(conn, queues=wanted, now=now)
    _queues_ready(conn, now, queues=wanted)
    _THEIRS_POLLED.run(conn, queues=wanted, stale=now - _NOTED_EVERY_US, now=now)
    _theirs_ready(conn, now, queues=wanted)


def deployments_polled(conn: Connection, ids: Iterable[str], now: int) -> None:
    """Somebody asks for the runs of these deployments."""
    wanted = list(ids)
    _DEPLOYMENTS_POLLED.run(conn, ids=wanted, now=now)
    _deployments_ready(conn, now, ids=wanted)


def pool_is_live(conn: Connection, pool_id: str, now: int) -> bool:
    """Whether anybody works for the pool: an open session or a foreign worker that was heard of lately."""
    own = select(session.c.id).where(
        session.c.work_pool_id == pool_id, session.c.status == "open", session.c.last_seen > now - SILENT * session.c.heartbeat_us
    )
    if conn.execute(own.limit(1)).first():
        return True
    since = now - SILENT * 1_000_000 * func.coalesce(worker.c.heartbeat_interval_seconds, UNKNOWN_S)
    foreign = select(worker.c.id).where(worker.c.work_pool_id == pool_id, worker.c.status == "ONLINE", worker.c.last_heartbeat_time > since)
    return conn.execute(foreign.limit(1)).first() is not None


def deployment_is_served(conn: Connection, deployment_id: str, now: int) -> bool:
    """Whether a live `serve` session, or a foreign runner that polled in the last minute, takes the deployment's runs."""
    open_sessions = select(session.c.deployments).where(
        session.c.status == "open", session.c.kind == "serve", session.c.last_seen > now - SILENT * session.c.heartbeat_us
    )
    if any(deployment_id in deployments for deployments in conn.execute(open_sessions).scalars()):
        return True
    polled = conn.execute(select(deployment.c.last_polled).where(deployment.c.id == deployment_id)).scalar()
    return polled is not None and polled > now - 60_000_000
