"""What the server is busy with: who is connected, what runs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, RowMapping, func, make_url, select

from flowhand.clock import to_iso
from flowhand_server.config import ServerConfig

from .tables import lease, session, work_pool

_OPEN = (
    select(
        session.c.kind,
        session.c.name,
        session.c.host,
        session.c.pid,
        session.c.version,
        session.c.last_seen,
        work_pool.c.name.label("work_pool"),
    )
    .outerjoin(work_pool, work_pool.c.id == session.c.work_pool_id)
    .where(session.c.status == "open")
    .order_by(session.c.created)
)


def read_status(conn: Connection) -> dict[str, Any]:
    """The open sessions, and how many runs are leased."""
    return {
        "sessions": [_session(row) for row in conn.execute(_OPEN).mappings()],
        "leased_runs": conn.execute(select(func.count()).select_from(lease).where(lease.c.ended_at.is_(None))).scalar_one(),
    }


def _session(row: RowMapping) -> dict[str, Any]:
    return {str(name): to_iso(value) if name == "last_seen" else value for name, value in row.items()}


def database_of(config: ServerConfig) -> str:
    """Where the data is, without the password."""
    if config.database_url:
        return make_url(config.database_url).render_as_string(hide_password=True)
    return str(config.directory / "flowhand.db")
