"""Concurrency limits. A slot is never a counter: it is a row, counted when asked for, so nothing can leak."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, bindparam, case, func, literal_column, select

from flowhand_server.orchestration.state import CollisionStrategy, Limit

from .deployment_slots import SLOT, lapse
from .prepared import Prepared, among
from .tables import concurrency_lease, concurrency_limit, deployment, flow_run

_run, _lease, _dep, _limit = flow_run.c, concurrency_lease.c, deployment.c, concurrency_limit.c
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
    select(_dep.concurrency_limit, _dep.concurrency_options, _dep.global_concurrency_limit_id).where(_dep.id == bindparam("id"))
)
_SHARERS: Final = Prepared(
    select(_dep.id, _dep.global_concurrency_limit_id.label("limit_id")).where(among(_dep.global_concurrency_limit_id, "ids"))
)
_TAKEN: Final = Prepared(
    select(_limit.id, _limit.active_slots).where(among(_limit.id, "ids"), _limit.active_slots > 0, _limit.slot_decay_per_second == 0)
)
_LOCK_LIMITS: Final = Prepared(select(_limit.id).where(among(_limit.id, "ids")).order_by(_limit.id).with_for_update())
_LOCK_DEPLOYMENTS: Final = Prepared(select(_dep.id).where(among(_dep.id, "ids")).order_by(_dep.id).with_for_update())


def used_by_deployments(conn: Connection, ids: Iterable[str]) -> dict[str, int]:
    """How many slots the runs of these deployments hold (Pending, Running or Cancelling), those of clients by their leases."""
    wanted = list(ids)
    used = _counts(conn, _USED_BY_DEPLOYMENT, wanted)
    for key, more in _counts(conn, _LEASED_BY_DEPLOYMENT, wanted).items():
        used[key] = used.get(key, 0) + more
    return used


def used_of_limits(conn: Connection, ids: Iterable[str]) -> dict[str, int]:
    """How many slots runs hold of these global limits, whichever of the deployments that share one they are of (contract 5.7)."""
    wanted = list(ids)
    found = dict.fromkeys(wanted, 0)
    owners = {row.id: row.limit_id for row in _SHARERS.all(conn, ids=wanted)} if wanted else {}
    used = used_by_deployments(conn, owners)
    for deployment_id, limit_id in owners.items():
        found[limit_id] += used.get(deployment_id, 0)
    return found


def in_use_of_limits(conn: Connection, ids: Iterable[str]) -> dict[str, int]:
    """The same with what flows' code holds by a limit's name. Not of rate limits, whose slots come back by themselves."""
    wanted = list(ids)
    taken = _counts(conn, _TAKEN, wanted)
    return {limit_id: used + taken.get(limit_id, 0) for limit_id, used in used_of_limits(conn, wanted).items()}


def lock_limits(conn: Connection, limits: Iterable[str], deployments: Iterable[str]) -> None:
    """Locks global limits, and deployments whose limit is no global one, where there are row locks: two transactions that count first and
    take then would both find the last slot free. Limits come before deployments, each in the order of their ids.

    A proposal has locked its run before. A claim locks runs only after this; so that the two cannot wait for each other, it takes none that
    it would have to wait for (`ask_for_free_runs`). Nobody else who holds these may wait for a run either.
    """
    if conn.dialect.name == "postgresql":
        for statement, ids in ((_LOCK_LIMITS, list(limits)), (_LOCK_DEPLOYMENTS, list(deployments))):
            if ids:
                statement.all(conn, ids=ids)


def used_by_queues(conn: Connection, ids: Iterable[str]) -> dict[str, int]:
    """How many slots the runs of these queues hold (Pending or Running, contract 5.6)."""
    return _counts(conn, _USED_BY_QUEUE, ids)


def deployment_limit(conn: Connection, deployment_id: str | None, now: int) -> Limit | None:
    """The deployment's limit and its use now; None when it has none. The limit is locked for this transaction."""
    if deployment_id is None:
        return None
    row = _LIMIT.first(conn, id=deployment_id)
    if row is None or row.concurrency_limit is None:
        return None
    limit_id = row.global_concurrency_limit_id
    lock_limits(conn, [limit_id] if limit_id else [], [] if limit_id else [deployment_id])
    lapse(conn, now)
    used = deployment_use(conn, deployment_id, limit_id)
    provision_s = (row.concurrency_options or {}).get("grace_period_seconds") or PROVISION_S
    return Limit(row.concurrency_limit, used, strategy_of(row.concurrency_options), round(provision_s * 1_000_000))


def deployment_use(conn: Connection, deployment_id: str, limit_id: str | None) -> int:
    """How many slots are in use of what limits a deployment: a global limit, or a number of its own."""
    if limit_id is None:
        return used_by_deployments(conn, [deployment_id]).get(deployment_id, 0)
    return in_use_of_limits(conn, [limit_id])[limit_id]


def strategy_of(options: Any) -> CollisionStrategy:
    """The collision strategy in a deployment's `concurrency_options`."""
    return CollisionStrategy((options or {}).get("collision_strategy") or CollisionStrategy.ENQUEUE)


def _counts(conn: Connection, statement: Prepared, ids: Iterable[str]) -> dict[str, int]:
    wanted = list(ids)
    return {key: int(count) for key, count in statement.all(conn, ids=wanted)} if wanted else {}
