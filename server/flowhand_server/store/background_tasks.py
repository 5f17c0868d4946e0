"""Background tasks: task runs that were made to be executed by whoever subscribes to their tasks (`task.delay()`, `task.serve()`).

A deferred task run stands in `background_task` until a subscriber has said that it has it. It is offered to one at a time; an offer that is
not answered lapses, so that a subscriber or a server that is killed in between loses nothing.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update

from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.notices import Notice, post
from flowhand_server.store.task_runs import read_task_run

OFFER_US: Final = 30_000_000
"""How long an offer stands that nobody answers."""
SEEN_US: Final = 30_000_000
"""How long a subscriber is believed to be there that nothing more was heard of; its server says so more often."""

_task, _worker, _run = t.background_task.c, t.task_worker.c, t.task_run.c
_OPEN: Final = (
    _task.task_key.in_(bindparam("keys", expanding=True)),
    or_(_task.offered_until.is_(None), _task.offered_until <= bindparam("now")),
)
_ANY: Final = select(_task.task_run_id).where(*_OPEN).limit(1)
_NEXT: Final = (
    select(_task.task_run_id, _run.state_type)
    .join_from(t.background_task, t.task_run, _run.id == _task.task_run_id)
    .where(*_OPEN)
    .order_by(_task.created, _task.task_run_id)
    .limit(1)
    .with_for_update(of=t.background_task, skip_locked=True)
)


class Offer(NamedTuple):
    """A run that is offered to one subscriber. Another offer of it stands longer, so `until` (microseconds, UTC) tells them apart."""

    run: forms.Form
    until: int


def any_waits(conn: Connection, keys: list[str], now: int) -> bool:
    """Whether a run of these tasks waits for somebody."""
    return conn.execute(_ANY, {"keys": keys, "now": now}).first() is not None


def offer(conn: Connection, keys: list[str], now: int) -> Offer | None:
    """The run of these tasks that has waited longest, from now on offered to the caller alone. Those that have ended are left out."""
    while (row := conn.execute(_NEXT, {"keys": keys, "now": now}).first()) is not None:
        if row.state_type == "SCHEDULED":
            offered = update(t.background_task).where(_task.task_run_id == row.task_run_id)
            conn.execute(offered.values(offered_until=now + OFFER_US))
            return Offer(read_task_run(conn, row.task_run_id, now), now + OFFER_US)
        taken(conn, row.task_run_id)
    return None


def taken(conn: Connection, task_run_id: str) -> None:
    """A subscriber has it, also one whose offer has lapsed meanwhile. Idempotent."""
    conn.execute(delete(t.background_task).where(_task.task_run_id == task_run_id))


def withdraw(conn: Connection, task_run_id: str, until: int) -> None:
    """The subscriber has gone without an answer: unless its offer has lapsed and the run was offered to another, it waits again."""
    mine = update(t.background_task).where(_task.task_run_id == task_run_id, _task.offered_until == until)
    if conn.execute(mine.values(offered_until=None)).rowcount:
        post(conn, Notice("task"))


# --- who subscribes --------------------------------------------------------------------------------------------------------------------


def arrive(conn: Connection, subscription: str, identifier: str, keys: list[str], now: int) -> None:
    """Somebody subscribes to tasks; those of servers that are gone are forgotten."""
    conn.execute(delete(t.task_worker).where(_worker.seen <= now - SEEN_US))
    conn.execute(insert(t.task_worker).values(id=subscription, identifier=identifier, task_keys=sorted(set(keys)), seen=now))


def stay(conn: Connection, subscription: str, now: int) -> None:
    """It is still there."""
    conn.execute(update(t.task_worker).where(_worker.id == subscription).values(seen=now))


def leave(conn: Connection, subscription: str) -> None:
    """It has gone. Idempotent."""
    conn.execute(delete(t.task_worker).where(_worker.id == subscription))


def subscribers(conn: Connection, keys: list[str] | None, now: int) -> list[forms.Form]:
    """Who subscribes to any of these tasks, or to any at all, each with all of its tasks."""
    rows = conn.execute(select(_worker.identifier, _worker.task_keys, _worker.seen).where(_worker.seen > now - SEEN_US))
    found: dict[str, dict[str, Any]] = {}
    for row in rows.mappings():
        one = found.setdefault(row["identifier"], {"keys": set(), "seen": 0})
        one["keys"] |= set(row["task_keys"])
        one["seen"] = max(one["seen"], row["seen"])
    return [
        {"identifier": name, "task_keys": sorted(one["keys"]), "timestamp": forms.iso(one["seen"])}
        for name, one in sorted(found.items())
        if not keys or one["keys"] & set(keys)
    ]
