"""Counts of runs over time and by state (contract: `history`, `/ui`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Table, case, func, select

from flowhand.clock import to_iso, to_micros
from flowhand.wire.filters import Entities, History
from flowhand.wire.states import TERMINAL, StateType
from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.errors import Refused
from flowhand_server.store.nouns import where

MAX_SPANS: Final = 2000
SPANS: Final = 20
"""Of the dashboard (contract: `/ui/task_runs/dashboard/counts`)."""


def run_history(conn: Connection, table: Table, query: History, now: int) -> list[forms.Form]:
    """For each span of time: how many runs that fit were to begin in it, by state. Spans without any are there too.

    Refused (422) for an end before the beginning or too many spans.
    """
    begin, end = to_micros(query.history_start), to_micros(query.history_end)
    step = round(query.history_interval_seconds * 1e6)
    spans = -(-(end - begin) // step)
    if end < begin or spans > MAX_SPANS:
        raise Refused(422, f"History needs an end after its beginning and at most {MAX_SPANS} intervals.")
    c = table.c
    span = (c.expected_start_time - begin) // step
    sums = {"n": func.count(), "ran": func.sum(_run_time(c, now)), "late": func.sum(_lateness(c, now))}
    statement = (
        select(span.label("span"), c.state_type, c.state_name, *(number.label(name) for name, number in sums.items()))
        .where(*where(table, query), c.expected_start_time >= begin, c.expected_start_time < end, c.state_type.is_not(None))
        .group_by("span", c.state_type, c.state_name)
    )
    found: dict[int, list[forms.Form]] = {}
    for row in conn.execute(statement):
        found.setdefault(int(row.span), []).append(_counted(row))
    return [
        {
            "interval_start": to_iso(begin + number * step),
            "interval_end": to_iso(min(end, begin + (number + 1) * step)),
            "states": sorted(found.get(number, []), key=lambda one: (one["state_type"], one["state_name"])),
        }
        for number in range(spans)
    ]


def _counted(row: Any) -> forms.Form:
    return {
        "state_type": row.state_type,
        "state_name": row.state_name,
        "count_runs": row.n,
        "sum_estimated_run_time": float(row.ran or 0) / 1e6,
        "sum_estimated_lateness": float(row.late or 0) / 1e6,
    }


def _run_time(c: Any, now: int) -> ColumnElement[Any]:
    running = c.total_run_time + (now - c.state_timestamp)
    return case((c.state_type == StateType.RUNNING.value, running), else_=c.total_run_time)


def _lateness(c: Any, now: int) -> ColumnElement[Any]:
    return case(
        (c.start_time > c.expected_start_time, c.start_time - c.expected_start_time),
        (c.start_time.is_(None) & (c.expected_start_time < now) & c.state_type.not_in(list(TERMINAL)), now - c.expected_start_time),
        else_=0,
    )


def counts_by_state(conn: Connection, query: Entities) -> dict[str, int]:
    """How many task runs that fit are in each type of state."""
    statement = select(t.task_run.c.state_type, func.count()).where(*where(t.task_run, query)).group_by(t.task_run.c.state_type)
    counts = {kind.value: 0 for kind in StateType}
    counts.update({row[0]: row[1] for row in conn.execute(statement) if row[0]})
    return counts


def dashboard_counts(conn: Connection, query: Entities, now: int) -> list[dict[str, int]]:
    """How many task runs that fit completed and how many failed, in each of twenty equal spans since the filter's beginning.

    Refused (422) without a beginning.
    """
    since = query.task_runs.expected_start_time.after_ if query.task_runs and query.task_runs.expected_start_time else None
    if since is None:
        raise Refused(422, "task_runs.expected_start_time.after_ is needed: the spans begin there.")
    c, begin = t.task_run.c, to_micros(since)
    step = max(1, -(-(now - begin) // SPANS))
    span = ((c.expected_start_time - begin) // step).label("span")
    kinds = {"completed": ["COMPLETED"], "failed": ["FAILED", "CRASHED"]}
    sums = [func.sum(case((c.state_type.in_(types), 1), else_=0)).label(name) for name, types in kinds.items()]
    statement = select(span, *sums).where(*where(t.task_run, query), c.expected_start_time >= begin).group_by("span")
    found = {int(row["span"]): {name: int(row[name]) for name in kinds} for row in conn.execute(statement).mappings()}
    return [found.get(number, dict.fromkeys(kinds, 0)) for number in range(SPANS)]


def count_task_runs_by_flow_run(conn: Connection, ids: list[str]) -> dict[str, int]:
    """By flow run: how many task runs it has."""
    c = t.task_run.c
    statement = select(c.flow_run_id, func.count()).where(c.flow_run_id.in_(ids)).group_by(c.flow_run_id)
    return dict.fromkeys(ids, 0) | {row[0]: row[1] for row in conn.execute(statement)}


def count_deployments_by_flow(conn: Connection, ids: list[str]) -> dict[str, int]:
    """By flow: how many deployments it has."""
    c = t.deployment.c
    statement = select(c.flow_id, func.count()).where(c.flow_id.in_(ids)).group_by(c.flow_id)
    return dict.fromkeys(ids, 0) | {row[0]: row[1] for row in conn.execute(statement)}


def next_runs_by_flow(conn: Connection, ids: list[str], now: int) -> dict[str, forms.Form | None]:
    """By flow: the run that comes next."""
    c = t.flow_run.c
    shown = (c.id, c.flow_id, c.name, c.state_name, c.state_type, c.next_scheduled_start_time)
    found: dict[str, forms.Form | None] = dict.fromkeys(ids)
    for flow_id in ids:
        coming = select(*shown).where(c.flow_id == flow_id, c.state_type == "SCHEDULED", c.expected_start_time > now)
        row = conn.execute(coming.order_by(c.expected_start_time).limit(1)).mappings().first()
        if row is not None:
            found[flow_id] = {**row, "next_scheduled_start_time": forms.iso(row["next_scheduled_start_time"])}
    return found


def simple_history(conn: Connection, ids: Iterable[str], now: int) -> list[forms.Form]:
    """Runs as points of a chart: when, how long, how late."""
    c = t.flow_run.c
    rows = conn.execute(select(t.flow_run).where(c.id.in_(list(ids))).order_by(c.expected_start_time)).mappings()
    return [
        {
            "id": row["id"],
            "state_type": row["state_type"],
            "timestamp": forms.iso(row["start_time"] or row["expected_start_time"]),
            "duration": forms.run_time(row, now) / 1e6,
            "lateness": forms.lateness(row, now) / 1e6,
        }
        for row in rows
    ]


def observed_states(conn: Connection, text: str | None, newest_first: bool, limit: int) -> list[forms.Form]:
    """The names of states that flow runs have been in."""
    c = t.flow_run_state.c
    first, last = func.min(c.timestamp), func.max(c.timestamp)
    statement = select(c.type, c.name, first.label("first"), last.label("last")).group_by(c.type, c.name).limit(limit)
    if text:
        statement = statement.where(c.name.icontains(text, autoescape=True))
    rows = conn.execute(statement.order_by(last.desc() if newest_first else c.name))
    return [_observed(*row) for row in rows]


def _observed(state_type: str, name: str, first: int, last: int) -> forms.Form:
    return {"state_type": state_type, "state_name": name, "first_seen": forms.iso(first), "last_seen": forms.iso(last)}
