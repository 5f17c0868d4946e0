"""Figures of the runs that a metric trigger is about, and whether they have been out of bounds for long enough."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from flowhand.wire.automations import MetricQuery, MetricTrigger
from flowhand_server.automations.acting import act
from flowhand_server.automations.covering import covers
from flowhand_server.automations.evaluating import take_turn
from flowhand_server.automations.firing import Firing, goes_through
from flowhand_server.automations.narrowing import narrowed
from flowhand_server.automations.rulebook import Rule, Rulebook
from flowhand_server.store import tables as t
from flowhand_server.store.announcing import resources_of_runs

EVERY_S: Final = 10.0
"""How often figures are looked at."""
MOST_RUNS: Final = 10_000
"""Runs that one figure is made of at most, the latest."""
MOST_LOOKED_AT: Final = 100_000
"""Runs that are looked at to find them, where the database cannot tell which match."""
PAGE: Final = 1000
KEY: Final = "metric"
_run, _window = t.flow_run.c, t.automation_window.c
_BEGUN: Final = func.coalesce(_run.start_time, _run.expected_start_time)
_COLUMNS: Final = (
    *("id", "name", "flow_id", "deployment_id", "work_queue_id", "work_pool_id", "tags", "state_type"),
    *("start_time", "end_time", "expected_start_time"),
)
_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric trigger, and whether its figure is out of bounds."""

    rule: Rule
    outside: bool


def measure(conn: Connection, rulebook: Rulebook, now: int) -> list[Measured]:
    """The figure of every metric trigger that has one. Writes nothing, however many runs there are to look at."""
    rulebook.refresh(conn)
    found = [(rule, trigger.metric, figure(conn, trigger, now)) for rule, trigger in rulebook.metrics()]
    return [Measured(rule, _COMPARE[metric.operator](value, metric.threshold)) for rule, metric, value in found if value is not None]


def judge(conn: Connection, rulebook: Rulebook, measured: Sequence[Measured], now: int) -> None:
    """Fires those that are due, unless they were changed since they were measured.

    A window begins when a figure goes out of bounds and ends when it is back; its count says that the automation has acted.
    """
    take_turn(conn)
    rulebook.refresh(conn)
    for one in measured:
        trigger = one.rule.trigger
        if isinstance(trigger, MetricTrigger) and rulebook.find(one.rule.automation_id, trigger.id) is one.rule:
            _judge(conn, one.rule, trigger.metric, one.outside, now)


def figure(conn: Connection, trigger: MetricTrigger, now: int, most: int = MOST_RUNS, looked_at: int = MOST_LOOKED_AT) -> float | None:
    """The figure of the latest runs that match, `most` at most; None when there are none, which says nothing."""
    name, since = trigger.metric.name, now - round(trigger.metric.range * 1_000_000)
    recent = _BEGUN.between(since, now) & _run.start_time.is_not(None) if name == "lateness" else _run.end_time >= since
    newest: ColumnElement[Any] = cast("Any", _BEGUN if name == "lateness" else _run.end_time)
    columns = [t.flow_run.c[column] for column in _COLUMNS]
    statement = select(*columns).where(recent, *narrowed(trigger)).order_by(newest.desc()).limit(looked_at)
    values: list[float] = []
    with conn.execute(statement.execution_options(yield_per=PAGE)) as found:
        for rows in found.mappings().partitions():
            about = resources_of_runs(conn, rows)
            values += [_value(name, row) for row, event in zip(rows, about, strict=True) if covers(trigger, event)]
            if len(values) >= most:
                break
    values = values[:most]
    return sum(values) / len(values) if values else None


def _value(name: str, row: Mapping[Any, Any]) -> float:
    match name:
        case "successes":
            return float(row["state_type"] == "COMPLETED")
        case "duration":
            return (row["end_time"] - (row["start_time"] or row["end_time"])) / 1e6  # one that never began took no time
        case _:
            return max(0.0, (row["start_time"] - (row["expected_start_time"] or row["start_time"])) / 1e6)


def _judge(conn: Connection, rule: Rule, metric: MetricQuery, outside: bool, now: int) -> None:
    mine = (_window.automation_id == rule.automation_id) & (_window.trigger_id == rule.trigger.id) & (_window.key == KEY)
    row = conn.execute(select(_window.begins, _window.count).where(mine)).first()
    begins, acted = tuple(row) if row is not None else (now, 0)
    if not outside:
        conn.execute(delete(t.automation_window).where(mine))
        if acted:
            _fire(conn, Firing(rule, now, None, resolved=True), now)
        return
    due = not acted and now - begins >= round(metric.firing_for * 1_000_000)
    if row is None:
        key = {"automation_id": rule.automation_id, "trigger_id": rule.trigger.id, "key": KEY}
        conn.execute(insert(t.automation_window).values(**key, begins=now, ends=now, count=int(due)))
    elif due:
        conn.execute(update(t.automation_window).where(mine).values(count=1))
    if due:
        _fire(conn, Firing(rule, now, None), now)


def _fire(conn: Connection, firing: Firing, now: int) -> None:
    if firing.resolved and firing.rule.around:
        return  # a composite does not resolve
    if goes_through(conn, firing):
        act(conn, firing, now)
