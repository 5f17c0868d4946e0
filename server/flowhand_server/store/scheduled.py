"""Due runs for those who poll: of a pool's queues (contract 5.6), of deployments, of one queue.

Nothing is reserved: to claim a run is to make it Pending. Each queue and each deployment is asked for its own first runs, by index, so the
cost does not grow with what waits behind them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, Select, bindparam, literal_column, or_, select, update

from flowhand.clock import to_micros
from flowhand.wire.body import DEFAULT_LIMIT
from flowhand.wire.work_pools import DueForPool
from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.errors import NotFound
from flowhand_server.store.flow_run_reading import flow_runs_in_order
from flowhand_server.store.limits import used_by_queues
from flowhand_server.store.prepared import Asked, Prepared, among
from flowhand_server.store.readiness import Turn
from flowhand_server.store.work_pools import pool_row

_run, _queue = t.flow_run.c, t.work_queue.c
_SCHEDULED: Final[ColumnElement[Any]] = literal_column("flow_run.state_type = 'SCHEDULED'")
_FAR: Final = 1 << 62
_NOT_HELD: Final[ColumnElement[Any]] = literal_column("flow_run.in_process = false")
"""Both written out, since only then a partial index answers them."""


@dataclass(frozen=True, slots=True)
class Due:
    """A due run and where it stands in line."""

    run_id: str
    queue_id: str
    priority: int
    at: int


def _heads(column: ColumnElement[Any]) -> Select[Any, Any]:
    """The first due runs of one queue or deployment."""
    return (
        select(_run.id, _run.next_scheduled_start_time)
        .where(_SCHEDULED, column == bindparam("of"))
        .where(_run.next_scheduled_start_time <= bindparam("until"), _run.next_scheduled_start_time >= bindparam("since"))
        .order_by(_run.next_scheduled_start_time, _run.id)
        .limit(bindparam("limit"))
    )


_OF_QUEUE: Final = Prepared(_heads(_run.work_queue_id).where(_NOT_HELD))
_OF_DEPLOYMENT: Final = Prepared(_heads(_run.deployment_id))


def due_for_pool(conn: Connection, pool: str, body: DueForPool, now: int) -> list[forms.Form]:
    """A pool's due runs as its workers are to start them: by the priority of their queue, then by time, within all limits.

    NotFound without the pool or a named queue.
    """
    row = pool_row(conn, pool)
    of_pool = _QUEUES.all(conn, pool=row["id"])
    queues = _named(of_pool, body.work_queue_names)
    if row["is_paused"]:
        return []
    limit = DEFAULT_LIMIT if body.limit is None else body.limit
    limited = row["concurrency_limit"] is not None or any(queue.concurrency_limit is not None for queue in queues)
    used = used_by_queues(conn, [queue.id for queue in of_pool] if limited else [])
    free = limit if row["concurrency_limit"] is None else min(limit, row["concurrency_limit"] - sum(used.values()))
    since = to_micros(body.scheduled_after) if body.scheduled_after else 0
    until = to_micros(body.scheduled_before) if body.scheduled_before else _FAR
    asked: list[tuple[Any, Asked]] = []
    for queue in queues:
        slots = free if queue.concurrency_limit is None else min(free, queue.concurrency_limit - used.get(queue.id, 0))
        if slots > 0 and not queue.is_paused:
            bounds = {"of": queue.id, "since": since, "until": until, "limit": slots}
            asked.append((queue, _OF_QUEUE.ask(conn, **bounds)))
    found = [Due(run_id, queue.id, queue.priority, at) for queue, heads in asked for run_id, at in heads.all()]
    found.sort(key=lambda due: (due.priority, due.at))
    chosen = found[: max(0, free)]
    runs = {run["id"]: run for run in flow_runs_in_order(conn, [due.run_id for due in chosen], now)}
    return [{"work_pool_id": row["id"], "work_queue_id": due.queue_id, "flow_run": runs[due.run_id]} for due in chosen]


_QUEUES: Final = Prepared(
    select(_queue.id, _queue.name, _queue.priority, _queue.is_paused, _queue.concurrency_limit)
    .where(_queue.work_pool_id == bindparam("pool"))
    .order_by(_queue.priority)
)


def _named(rows: Sequence[Any], names: list[str] | None) -> Sequence[Any]:
    """The queues that are asked for; all of them unless some are named."""
    if not names:
        return rows
    missing = set(names) - {row.name for row in rows}
    if missing:
        raise NotFound(f"Work queue {sorted(missing)[0]!r} not found.")
    return [row for row in rows if row.name in names]


def due_for_deployments(conn: Connection, ids: Iterable[str], until: int | None, limit: int, now: int) -> list[forms.Form]:
    """The runs of these deployments that are due `until` then, all that wait if None, the earliest first."""
    found: list[tuple[int, str]] = []
    for deployment_id in dict.fromkeys(ids):
        bounds = {"of": deployment_id, "since": 0, "until": _FAR if until is None else until, "limit": limit}
        found += [(at, run_id) for run_id, at in _OF_DEPLOYMENT.all(conn, **bounds)]
    found.sort()
    return flow_runs_in_order(conn, [run_id for _, run_id in found[:limit]], now)


_QUEUE: Final = Prepared(select(_queue.is_paused, _queue.concurrency_limit).where(_queue.id == bindparam("id")))


def due_for_queue(conn: Connection, queue_id: str, until: int | None, limit: int, now: int) -> list[forms.Form]:
    """The runs of one queue that are due `until` then, all that wait if None, the earliest first, within its limit. NotFound."""
    row = _QUEUE.first(conn, id=queue_id)
    if row is None:
        raise NotFound("Work queue not found.")
    used = used_by_queues(conn, [queue_id]).get(queue_id, 0)
    slots = limit if row.concurrency_limit is None else min(limit, row.concurrency_limit - used)
    if row.is_paused or slots <= 0:
        return []
    bounds = {"of": queue_id, "since": 0, "until": _FAR if until is None else until, "limit": slots}
    return flow_runs_in_order(conn, [run_id for run_id, _ in _OF_QUEUE.all(conn, **bounds)], now)


STALE_POLL_US: Final = 5_000_000
"""How old the note of the last poll may get before a poll writes it anew."""


class _Poll:
    """How it is noted that those rows of a table were polled whose `column` is one of some ids."""

    def __init__(self, column: Column[Any]) -> None:
        table, which = column.table, among(column, "ids")
        stale = or_(table.c.last_polled.is_(None), table.c.last_polled < bindparam("stale"))
        self._polled = Prepared(update(table).where(which, stale).values(last_polled=bindparam("now")))
        self._ready = Turn(table, which, "READY")

    def note(self, conn: Connection, ids: list[str], now: int) -> None:
        """Notes it."""
        self._polled.run(conn, ids=ids, stale=now - STALE_POLL_US, now=now)
        self._ready(conn, now, ids=ids)


_QUEUES_POLLED: Final = _Poll(_queue.id)
_THEIRS_POLLED: Final = _Poll(t.deployment.c.work_queue_id)
_DEPLOYMENTS_POLLED: Final = _Poll(t.deployment.c.id)


def polled_pool(conn: Connection, pool: str, names: list[str] | None, now: int) -> None:
    """Notes that a pool's queues were polled, which makes them and their deployments ready (contract 5.4)."""
    row = pool_row(conn, pool)
    ids = [queue.id for queue in _named(_QUEUES.all(conn, pool=row["id"]), names)]
    _QUEUES_POLLED.note(conn, ids, now)
    _THEIRS_POLLED.note(conn, ids, now)


def polled_deployments(conn: Connection, ids: list[str], now: int) -> None:
    """Notes that deployments were polled, which makes them ready."""
    _DEPLOYMENTS_POLLED.note(conn, ids, now)


def polled_queue(conn: Connection, queue_id: str, now: int) -> None:
    """Notes that a queue was polled."""
    _QUEUES_POLLED.note(conn, [queue_id], now)
