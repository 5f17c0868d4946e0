"""Sessions: one start of one daemon each, proven by a secret of which only the hash is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, bindparam, insert, select, update

from flowhand.errors import FlowhandError
from flowhand.ids import new_id
from flowhand.wire.runner import Lease, SessionRequest, Supersedes
from flowhand.wire.runner import SessionReply as Reply
from flowhand_server.config import ServerConfig

from .absence import make_up
from .errors import NotFound
from .leases import live_leases, move_leases
from .notices import config_changed
from .prepared import Prepared
from .presence import SILENT, worker_gone, worker_seen
from .tables import deployment, session, work_pool


class SessionRefused(FlowhandError):
    """The session is over: `unknown_session`, `closed` or `superseded` (409 on the wire). The daemon opens a new one."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session that proved itself."""

    id: str
    kind: str
    name: str
    work_pool_id: str | None
    work_queues: list[str]
    deployments: list[str]
    heartbeat_us: int
    lease_us: int
    created: int
    last_seen: int
    claim: int
    drain: bool
    worker_id: str | None

    def unnoted(self, now: int) -> bool:
        """Whether its being alive is worth a write: its first word, then twice a heartbeat; a busy one speaks a hundred times a second."""
        return self.last_seen == self.created or now - self.last_seen >= self.heartbeat_us // 2


_COLUMNS: Final = [session.c[name] for name in Session.__dataclass_fields__]
_BY_ID: Final = Prepared(select(*_COLUMNS, session.c.secret_hash, session.c.status).where(session.c.id == bindparam("id")))
_NEW: Final = insert(session)
_CLOSED: Final = update(session).where(session.c.id == bindparam("b_id")).values(status="closed")
_SEEN: Final = Prepared(update(session).where(session.c.id == bindparam("b_id")).values(last_seen=bindparam("now")))


def authenticate(conn: Connection, session_id: str, secret: str) -> Session:
    """The open session with this id and secret. SessionRefused otherwise; a wrong secret learns nothing but `unknown_session`."""
    row = _BY_ID.first(conn, id=session_id)
    if row is None or not hmac.compare_digest(row.secret_hash, _hash(secret)):
        raise SessionRefused("unknown_session")
    if row.status != "open":
        raise SessionRefused(row.status)
    return Session(*row[: len(_COLUMNS)])


def seen(conn: Connection, opened: Session, now: int) -> None:
    """Notes that the session lives, when that is worth it."""
    if not opened.unnoted(now):
        return
    _SEEN.run(conn, b_id=opened.id, now=now)
    if opened.work_pool_id:
        worker_seen(conn, opened.work_pool_id, opened.name, opened.heartbeat_us / 1_000_000, now)


def open_session(conn: Connection, request: SessionRequest, config: ServerConfig, now: int) -> Reply:
    """Opens a session and hands it the leases of the one it supersedes. NotFound for an unknown pool or deployment."""
    pool = _pool(conn, request.work_pool)
    _check_deployments(conn, request.deployments)
    new, secret = new_id(), secrets.token_urlsafe(32)
    worker_id = worker_seen(conn, pool["id"], request.name, request.heartbeat_s, now) if pool else None
    lease_s = max(config.lease_s, 3 * request.heartbeat_s)
    conn.execute(
        _NEW,
        {
            "id": new,
            "created": now,
            "secret_hash": _hash(secret),
            "kind": request.kind,
            "name": request.name,
            "version": request.version,
            "host": request.host,
            "pid": request.pid,
            "work_pool_id": pool["id"] if pool else None,
            "work_queues": request.work_queues,
            "deployments": request.deployments,
            "slots": request.slots,
            "heartbeat_us": round(request.heartbeat_s * 1_000_000),
            "lease_us": round(lease_s * 1_000_000),
            "worker_id": worker_id,
            "last_seen": now,
        },
    )
    leases = _succeed(conn, request.supersedes, new, now, round(lease_s * 1_000_000))
    make_up(conn, request, pool["id"] if pool else None, now)
    config_changed(conn)
    return Reply(
        session=new,
        secret=secret,
        server_id=config.server_id,
        version=config.version,
        worker_id=worker_id,
        work_pool_type=pool["type"] if pool else None,
        lease_s=lease_s,
        margin_s=min(config.margin_s, lease_s / 3),
        grace_s=config.grace_s,
        heartbeat_s=request.heartbeat_s,
        leases=leases,
    )


def close_session(conn: Connection, session_id: str, secret: str, now: int) -> None:
    """Ends a session; idempotent. What it still holds is left to the reaper."""
    try:
        opened = authenticate(conn, session_id, secret)
    except SessionRefused:
        return
    conn.execute(_CLOSED, {"b_id": opened.id})
    if opened.worker_id:
        worker_gone(conn, opened.worker_id, now)
    config_changed(conn)


_LIVING: Final = (
    select(session.c.id)
    .where(session.c.status == "open", session.c.last_seen > bindparam("now", type_=BigInteger) - SILENT * session.c.heartbeat_us)
    .limit(1)
)


def any_session_lives(conn: Connection, now: int) -> bool:
    """Whether any open session was heard of lately."""
    return conn.execute(_LIVING, {"now": now}).first() is not None


def _succeed(conn: Connection, old: Supersedes | None, new: str, now: int, lease_us: int) -> list[Lease]:
    """Fences the old session and moves its leases. One that is unknown here, or whose secret is wrong, leaves nothing behind."""
    if old is None:
        return []
    row = conn.execute(_HEIR, {"id": old.session}).mappings().first()
    if row is None or not hmac.compare_digest(row["secret_hash"], _hash(old.secret)):
        return []
    heirs = [row["id"], *_silent_heirs(conn, row["superseded_by"])]
    conn.execute(_SUPERSEDED, {"heirs": heirs, "by": new})
    move_leases(conn, heirs, new, now + lease_us)
    return live_leases(conn, new, now)


_HEIR: Final = (
    select(*(session.c[name] for name in ("id", "secret_hash", "status", "superseded_by", "created", "last_seen")))
    .where(session.c.id == bindparam("id"))
    .with_for_update()
)


_SUPERSEDED: Final = (
    update(session).where(session.c.id.in_(bindparam("heirs", expanding=True))).values(status="superseded", superseded_by=bindparam("by"))
)


def _silent_heirs(conn: Connection, successor: str | None) -> list[str]:
    """Sessions that superseded and never said a word: the answers that opened them were lost, and the same daemon asks again."""
    silent: list[str] = []
    while successor:
        row = conn.execute(_HEIR, {"id": successor}).mappings().first()
        if row is None or row["last_seen"] != row["created"] or row["status"] == "closed":
            break
        silent.append(row["id"])
        successor = row["superseded_by"]
    return silent


_POOL: Final = select(work_pool.c.id, work_pool.c.type).where(work_pool.c.name == bindparam("name"))
_KNOWN: Final = select(deployment.c.id).where(deployment.c.id.in_(bindparam("ids", expanding=True)))


def _pool(conn: Connection, name: str | None) -> Any:
    if name is None:
        return None
    row = conn.execute(_POOL, {"name": name}).mappings().first()
    if row is None:
        raise NotFound(f"work pool {name!r} does not exist")
    return row


def _check_deployments(conn: Connection, ids: list[str]) -> None:
    if not ids:
        return
    known = set(conn.execute(_KNOWN, {"ids": ids}).scalars())
    for unknown in ids:
        if unknown not in known:
            raise NotFound(f"deployment {unknown} does not exist")


def _hash(secret: str) -> str:
    # the secret has 256 random bits, so a fast hash is as good as a slow one
    return hashlib.sha256(secret.encode()).hexdigest()
