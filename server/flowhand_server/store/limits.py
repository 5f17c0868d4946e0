"""Concurrency limits. A slot is never a counter: it is a row, counted when asked for, so nothing can leak."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, bindparam, func, literal_column, select

from flowhand_server.orchestration.state import CollisionStrategy, Limit

from .tables import deployment, flow_run

_run = flow_run.c
ACTIVE_SQL: Final[ColumnElement[bool]] = literal_column("flow_run.state_type IN ('PENDING', 'RUNNING', 'CANCELLING')")
"""Written out, since only then a partial index answers it."""

_USED_BY_DEPLOYMENT: Final = (
    select(_run.deployment_id, func.count())
    .where(ACTIVE_SQL, _run.deployment_id.in_(bindparam("ids", expanding=True)))
    .group_by(_run.deployment_id)
)
_USED_BY_QUEUE: Final = (
    select(_run.work_queue_id, func.count())
    .where(ACTIVE_SQL, _run.state_type != "CANCELLING", _run.work_queue_id.in_(bindparam("ids", expanding=True)))
    .group_by(_run.work_queue_id)
)
_LIMIT: Final = select(deployment.c.concurrency_limit, deployment.c.concurrency_options).where(deployment.c.id == bindparam("id"))


def used_by_deployments(conn: Connection, ids: Iterable[str]) -> dict[str, int]:
    """How many slots the runs of these deployments hold (Pending, Running or Cancelling)."""
    return _counts(conn, _USED_BY_DEPLOYMENT, ids)


def used_by_queues(conn: Connection, ids: Iterable[str]) -> dict[str, int]:
    """How many slots the runs of these queues hold (Pending or Running, contract 5.6)."""
    return _counts(conn, _USED_BY_QUEUE, ids)


def deployment_limit(conn: Connection, deployment_id: str | None) -> Limit | None:
    """The deployment's limit and its use; None when it has none. The deployment's row is locked for this transaction."""
    if deployment_id is None:
        return None
    row = conn.execute(_LIMIT.with_for_update(), {"id": deployment_id}).first()
    if row is None or row.concurrency_limit is None:
        return None
    used = used_by_deployments(conn, [deployment_id]).get(deployment_id, 0)
    return Limit(row.concurrency_limit, used, strategy_of(row.concurrency_options))


def strategy_of(options: Any) -> CollisionStrategy:
    """The collision strategy in a deployment's `concurrency_options`."""
    return CollisionStrategy((options or {}).get("collision_strategy") or CollisionStrategy.ENQUEUE)


def _counts(conn: Connection, statement: Any, ids: Iterable[str]) -> dict[str, int]:
    wanted = list(ids)
    return {key: int(count) for key, count in (tuple(row) for row in conn.execute(statement, {"ids": wanted}))} if wanted else {}
