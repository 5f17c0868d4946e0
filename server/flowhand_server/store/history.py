"""Counts of runs over time and by state (contract: `history`, `/ui`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Table, case, exists, func, literal_column, select

from flowhand.clock import to_iso, to_micros
from flowhand.wire.filters import Entities, History
from flowhand.wire.states import TERMINAL, StateType
from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.errors import Refused
from flowhand_server.store.nouns import where
from flowhand_server.store.prepared import Prepared, among

MAX_SPANS: Final = 2000
_MINUTE: Final = 60_000_000
SPANS: Final = 20
"""Of the dashboard (contract: `/ui/task_runs/dashboard/counts`)."""


def run_history(conn: Connection, table: Table, query: History, now: int) -> list[forms.Form]:
    """For each span of time: how many runs that fit were to begin in it, by state. Spans without any are there too.

    None for an end before the beginning. Refused (422) for spans of less than a second, or too many of them.
    """
    begin, end = to_micros(query.history_start), to_micros(query.history_end)
    step = round(query.history_interval_seconds * 1e6)
    if step < 1_000_000:
        raise Refused(422, "History interval must not be less than 1 second.")
    spans = max(0, -(-(end - begin) // step))
    if spans > MAX_SPANS:
        raise Refused(422, f"History has at most {MAX_SPANS} intervals.")
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
            "interval_end": to_iso(begin + (number + 1) * step),
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
    """How many ended task runs that fit failed and how many did not, in each of twenty equal spans of when they began: from the minute of
    the filter's `start_time.after_` to that of its `before_`, or to now.

    Refused (422) without a beginning.
    """
    began = query.task_runs.start_time if query.task_runs else None
    if began is None or began.after_ is None:
        raise Refused(422, "task_runs.start_time.after_ is required")
    begin = to_micros(began.after_) // _MINUTE * _MINUTE
    end = ((to_micros(began.before_) if began.before_ else now) // _MINUTE + 1) * _MINUTE
    c = t.task_run.c
    span = ((c.start_time - begin) * SPANS // max(1, end - begin)).label("span")
    failed = func.sum(case((c.state_type.in_(["FAILED", "CRASHED"]), 1), else_=0))
    statement = select(span, func.count(), failed).where(*where(t.task_run, query), c.state_type.in_(list(TERMINAL))).group_by("span")
    counts = [{"completed": 0, "failed": 0} for _ in range(SPANS)]
    for number, ended, wrong in conn.execute(statement):
        counts[min(int(number), SPANS - 1)] = {"completed": int(ended - wrong), "failed": int(wrong)}
    return counts


def count_task_runs_by_flow_run(conn: Connection, ids: list[str]) -> dict[str, int]:
    """By flow run: how many task runs it has, less those that stand for a subflow."""
    c, subflow = t.task_run.c, t.flow_run.alias("subflow").c
    statement = select(c.flow_run_id, func.count()).where(c.flow_run_id.in_(ids)).group_by(c.flow_run_id)
    statement = statement.where(~exists().where(subflow.parent_task_run_id == c.id))
    return dict.fromkeys(ids, 0) | {row[0]: row[1] for row in conn.execute(statement)}


def count_deployments_by_flow(conn: Connection, ids: list[str]) -> dict[str, int]:
    """By flow: how many deployments it has."""
    c = t.deployment.c
    statement = select(c.flow_id, func.count()).where(c.flow_id.in_(ids)).group_by(c.flow_id)
    return dict.fromkeys(ids, 0) | {row[0]: row[1] for row in conn.execute(statement)}


def next_runs_by_flow(conn: Connection, ids: list[str]) -> dict[str, forms.Form | None]:
    """By flow: the run that comes next, or should have come already."""
    found: dict[str, forms.Form | None] = dict.fromkeys(ids)
    for row in _NEXT_RUNS.all(conn, flows=ids):
        if row.flow_id in found:
            found[row.flow_id] = {**row._asdict(), "next_scheduled_start_time": forms.iso(row.next_scheduled_start_time)}
    return found


def _next_runs() -> Prepared:
    """For each of the `flows` the first run at its place, or behind it, in the index of what is to come by flow: its own next run, or else
    that of another flow. A run has a next time as long as it is SCHEDULED (`effects.advance`).

    That it is the flow's own is not asked for: PostgreSQL might then read all runs that the flow has had, if it takes them to be few.
    """
    run, first = t.flow_run.c, t.flow_run.alias("first").c
    behind = select(first.id).where(first.flow_id >= t.flow.c.id, first.next_scheduled_start_time.is_not(None))
    in_order = behind.order_by(first.flow_id, first.next_scheduled_start_time, first.id).limit(literal_column("1"))
    shown = select(run.id, run.flow_id, run.name, run.state_name, run.state_type, run.next_scheduled_start_time)
    found = select(in_order.scalar_subquery().label("id")).where(among(t.flow.c.id, "flows")).cte("found").prefix_with("MATERIALIZED")
    return Prepared(shown.where(run.id.in_(select(found.c.id))))


_NEXT_RUNS: Final = _next_runs()


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
