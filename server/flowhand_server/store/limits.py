"""Concurrency limits. A slot is never a counter: it is a row, counted when asked for, so nothing can leak."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, bindparam, case, func, literal_column, select

from flowhand_server.orchestration.state import CollisionStrategy, Limit

from .deployment_slots import SLOT, lapse
from .prepared import Prepared, among
from .tables import concurrency_lease, deployment, flow_run

_run, _lease = flow_run.c, concurrency_lease.c
PROVISION_S: Final = 300
"""How long a foreign client has from Pending to Running, when the deployment does not say (contract 5.7)."""
ACTIVE_SQL: Final[ColumnElement[bool]] = literal_column("flow_run.state_type IN ('PENDING', 'RUNNING', 'CANCELLING')")
"""Written out, since only then a partial index answers it."""

_USED_BY_DEPLOYMENT: Final = Prepared(
    select(_run.deployment_id, func.count()).where(ACTIVE_SQL, among(_run.deployment_id, "ids")).group_by(_run.deployment_id)
)
_LEASED_BY_DEPLOYMENT: Final = Prepared(
    select(_run.deployment_id, func.sum(case((ACTIVE_SQL, _lease.slots - 1), else_=_lease.slots)))
    .join_from(concurrency_lease, flow_run, _run.id == _lease.holder_id)
    .where(_lease.holder_type == SLOT, among(_run.deployment_id, "ids"))
    .group_by(_run.deployment_id)
)
"""One less for each that is active and whose lease has lapsed, one more for each that keeps its slot between two tries."""
_USED_BY_QUEUE: Final = Prepared(
    select(_run.work_queue_id, func.count())
    .where(ACTIVE_SQL, _run.state_type != "CANCELLING", among(_run.work_queue_id, "ids"))
    .group_by(_run.work_queue_id)
)
_LIMIT: Final = Prepared(
    select(deployment.c.concurrency_limit, deployment.c.concurrency_options).where(deployment.c.id == bindparam("id")).with_for_update()
)


def used_by_deployments(conn: Connection, ids: Iterable[str]) -> dict[str, int]:
    """How many slots the runs of these deployments hold (Pending, Running or Cancelling), those of clients by their leases."""
    wanted = list(ids)
    used = _counts(conn, _USED_BY_DEPLOYMENT, wanted)
    for key, more in _counts(conn, _LEASED_BY_DEPLOYMENT, wanted).items():
        used[key] = used.get(key, 0) + more
    return used


def used_by_queues(conn: Connection, ids: Iterable[str]) -> dict[str, int]:
    """How many slots the runs of these queues hold (Pending or Running, contract 5.6)."""
    return _counts(conn, _USED_BY_QUEUE, ids)


def deployment_limit(conn: Connection, deployment_id: str | None, now: int) -> Limit | None:
    """The deployment's limit and its use now; None when it has none. The deployment's row is locked for this transaction."""
    if deployment_id is None:
        return None
    row = _LIMIT.first(conn, id=deployment_id)
    if row is None or row.concurrency_limit is None:
        return None
    lapse(conn, now)
    used = used_by_deployments(conn, [deployment_id]).get(deployment_id, 0)
    provision_s = (row.concurrency_options or {}).get("grace_period_seconds") or PROVISION_S
    return Limit(row.concurrency_limit, used, strategy_of(row.concurrency_options), round(provision_s * 1_000_000))


def strategy_of(options: Any) -> CollisionStrategy:
    """The collision strategy in a deployment's `concurrency_options`."""
    return CollisionStrategy((options or {}).get("collision_strategy") or CollisionStrategy.ENQUEUE)


def _counts(conn: Connection, statement: Prepared, ids: Iterable[str]) -> dict[str, int]:
    wanted = list(ids)
    return {key: int(count) for key, count in statement.all(conn, ids=wanted)} if wanted else {}
