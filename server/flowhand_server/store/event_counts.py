"""How many events fit a filter: in all, and by name, by resource, or by spans of time (contract 8)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, distinct, func, select

from flowhand.clock import to_iso, to_micros
from flowhand.wire.events import RESOURCE_NAME, EventFilter
from flowhand_server.events.spans import MONDAY, UNITS_US, Spans, spans
from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.events import conditions, fitting, is_for_sql

_event = t.event.c
_BEGIN: Final = 180 * UNITS_US["day"]
"""How far back is counted unless told otherwise."""
_Group = tuple[Any, int, int, int]
"""What is counted, its number, when the first and the last happened."""


def count(conn: Connection, wanted: EventFilter) -> int:
    """How many events fit; of how many resources, where they shall be distinct. As far as a search looks, where SQL cannot say it."""
    alone = wanted.resource is not None and wanted.resource.distinct
    if not is_for_sql(wanted):
        found = [row["resource_id"] for row in fitting(conn, wanted, None)]
        return len(set(found) if alone else found)
    number = func.count(distinct(_event.resource_id)) if alone else func.count()
    return conn.execute(select(number).select_from(t.event).where(*conditions(wanted))).scalar_one()


def count_by_name(conn: Connection, wanted: EventFilter) -> list[forms.Form]:
    """How many events of each name fit, the most frequent first."""
    return _ranked(_form(str(group[0]), *group) for group in _groups(conn, wanted, _event.event))


def count_by_resource(conn: Connection, wanted: EventFilter) -> list[forms.Form]:
    """How many events about each resource fit, the most frequent first, under the name in the last of those that fit."""
    groups = _grouped(conn, wanted, _event.resource_id.label("id"), func.max(_event.cursor).label("last")).subquery()
    newest = t.event.alias()
    name, other = (newest.c.resource[label].as_string() for label in (RESOURCE_NAME, "prefect.name"))
    label = func.coalesce(func.nullif(name, ""), func.nullif(other, ""), groups.c.id)
    found = select(label, groups.c.id, groups.c.number, groups.c.first, groups.c.latest).join(newest, newest.c.cursor == groups.c.last)
    return _ranked(_form(*row) for row in conn.execute(found))


def count_by_time(conn: Connection, wanted: EventFilter, unit: str, interval: float, now: int) -> list[forms.Form]:
    """How many events fit in each span of time, those spans included in which none did. TooManySpans."""
    since = to_micros(wanted.occurred.since) if wanted.occurred.since else now - now % UNITS_US["day"] - _BEGIN
    until = to_micros(wanted.occurred.until) if wanted.occurred.until else now
    cut = spans(since, until, now, unit, interval)
    numbers = {int(group[0]) - cut.first: group[1] for group in _groups(conn, wanted, _span_of(cut))}
    return [
        {
            "value": str(place),
            "label": to_iso(cut.begin(place)),
            "count": numbers.get(place, 0),
            "start_time": to_iso(cut.begin(place)),
            "end_time": to_iso(cut.end(place)),
        }
        for place in range(cut.count)
    ]


def _span_of(cut: Spans) -> ColumnElement[Any]:
    return (_event.occurred - MONDAY) // cut.length


def _groups(conn: Connection, wanted: EventFilter, what: ColumnElement[Any]) -> Iterator[_Group]:
    for row in conn.execute(_grouped(conn, wanted, what)):
        yield row[0], row[1], row[2], row[3]


def _grouped(conn: Connection, wanted: EventFilter, what: ColumnElement[Any], *more: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
    """What is counted, its number, when the first and the last happened, and more of each group."""
    which = conditions(wanted)
    if not is_for_sql(wanted):
        which = [_event.cursor.in_([row["cursor"] for row in fitting(conn, wanted, None)])]  # at most MAX_SCAN parameters
    times = (func.min(_event.occurred).label("first"), func.max(_event.occurred).label("latest"))
    return select(what, func.count().label("number"), *times, *more).where(*which).group_by(what)


def _form(label: str, value: Any, number: int, first: int, last: int) -> forms.Form:
    return {"value": value, "label": label, "count": number, "start_time": to_iso(first), "end_time": to_iso(last)}


def _ranked(found: Iterable[forms.Form]) -> list[forms.Form]:
    return sorted(found, key=lambda one: (-one["count"], one["label"]))
