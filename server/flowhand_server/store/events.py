"""Events: stored once each, found again, counted, forgotten in time (contract 8)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, Connection, Select, delete, func, or_, select, tuple_

from flowhand.clock import to_iso, to_micros
from flowhand.ids import timed_id
from flowhand.wire.events import RESOURCE_ID, Event, EventFilter
from flowhand_server.events.matching import matches
from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.notices import Notice, post
from flowhand_server.store.prepared import Prepared
from flowhand_server.store.reading import insert_many_once
from flowhand_server.store.task_run_events import record_task_runs
from flowhand_server.store.texts import storable

_event = t.event.c
_WATCHED: Final = Prepared(select(t.automation.c.id).where(t.automation.c.enabled).limit(1))
CHUNK: Final = 500
MAX_SCAN: Final = 20_000
"""Rows that a search looks through at most, where a part of its filter is not SQL's to answer."""


def form(row: Mapping[Any, Any]) -> forms.Form:
    """An event as it goes on the wire."""
    return {
        "id": row["id"],
        "occurred": to_iso(row["occurred"]),
        "event": row["event"],
        "resource": row["resource"],
        "related": row["related"],
        "payload": row["payload"],
        "follows": row["follows"],
        "received": to_iso(row["received"]),
    }


# --- writing ---------------------------------------------------------------------------------------------------------------------------


def add_events(conn: Connection, events: Sequence[Event], now: int) -> None:
    """Stores events, each id once, and what those of 3.x clients say of their tasks."""
    if events:
        insert_rows(conn, [_row(event, now) for event in events])
        record_task_runs(conn, events, now)


def _row(event: Event, now: int) -> dict[str, Any]:
    return {
        "id": event.id,
        "occurred": to_micros(event.occurred),
        "received": now,
        "event": storable(event.event),
        "resource_id": storable(event.resource[RESOURCE_ID]),
        "follows": event.follows,
        "resource": _storable(event.resource),
        "related": _storable(event.related),
        "payload": _storable(event.payload),
    }


def _storable(value: Any) -> Any:
    """A value with every text in it as databases can store it."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(key)): _storable(one) for key, one in cast("dict[Any, Any]", value).items()}
    return [_storable(one) for one in cast("list[Any]", value)] if isinstance(value, list) else value


def insert_rows(conn: Connection, rows: list[dict[str, Any]], *, evaluated: bool = False) -> None:
    """Stores events that are rows already, each id once. Automations look at them, where there are any, unless they are `evaluated`."""
    pending = not evaluated and _WATCHED.first(conn) is not None
    insert_many_once(conn, t.event, [row | {"pending": pending} for row in rows])
    post(conn, Notice("event", served=not pending and not evaluated))


def emit(
    conn: Connection,
    name: str,
    resource: Mapping[str, str],
    now: int,
    *,
    related: Sequence[Mapping[str, str]] = (),
    payload: Mapping[str, Any] | None = None,
) -> None:
    """Stores an event of the server's own, in the transaction that does what it tells of."""
    row = {"id": timed_id(), "occurred": now, "received": now, "event": name, "resource_id": resource[RESOURCE_ID], "follows": None}
    insert_rows(conn, [row | {"resource": dict(resource), "related": [dict(one) for one in related], "payload": dict(payload or {})}])


def trim_events(conn: Connection, before: int) -> int:
    """Forgets some events that happened before a time; how many. Called until it says 0."""
    old = select(_event.cursor).where(_event.occurred < before).order_by(_event.occurred).limit(CHUNK)
    return conn.execute(delete(t.event).where(_event.cursor.in_(old.scalar_subquery()))).rowcount


# --- reading ---------------------------------------------------------------------------------------------------------------------------


def newest(conn: Connection) -> int:
    """The cursor of the event stored last; 0 without any."""
    return conn.execute(select(func.max(_event.cursor))).scalar() or 0


def behind(conn: Connection, cursor: int) -> list[tuple[int, forms.Form]]:
    """The next events behind a cursor, in the order they were stored, each with its own cursor."""
    rows = conn.execute(select(t.event).where(_event.cursor > cursor).order_by(_event.cursor).limit(CHUNK)).mappings()
    return [(row["cursor"], form(row)) for row in rows]


def is_for_sql(wanted: EventFilter) -> bool:
    """Whether SQL can say all of a filter."""
    labels = wanted.resource is not None and wanted.resource.labels is not None
    return not (labels or wanted.related or wanted.any_resource or wanted.text)


def conditions(wanted: EventFilter) -> list[ColumnElement[bool]]:
    """What SQL can say of a filter; the rest is for `matches`."""
    return list(_conditions(wanted))


def _conditions(wanted: EventFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.occurred.since:
        yield _event.occurred >= to_micros(wanted.occurred.since)
    if wanted.occurred.until:
        yield _event.occurred <= to_micros(wanted.occurred.until)
    if wanted.id.id:
        yield _event.id.in_(wanted.id.id)
    if wanted.event and wanted.event.name:
        yield _event.event.in_(wanted.event.name)
    if wanted.event and wanted.event.prefix:
        yield or_(*(_event.event.startswith(prefix.removesuffix("*"), autoescape=True) for prefix in wanted.event.prefix))
    if wanted.event and wanted.event.exclude_name:
        yield _event.event.not_in(wanted.event.exclude_name)
    if wanted.event and wanted.event.exclude_prefix:
        yield ~or_(*(_event.event.startswith(prefix.removesuffix("*"), autoescape=True) for prefix in wanted.event.exclude_prefix))
    if wanted.resource and wanted.resource.id:
        yield _event.resource_id.in_(wanted.resource.id)
    if wanted.resource and wanted.resource.id_prefix:
        yield or_(*(_event.resource_id.startswith(prefix, autoescape=True) for prefix in wanted.resource.id_prefix))


Row = Mapping[Any, Any]
Place = tuple[int, int]
"""Where an event stands: (occurred, cursor)."""


def search(conn: Connection, wanted: EventFilter, limit: int, after: Place | None = None) -> list[tuple[Place, forms.Form]]:
    """At most `limit` events that fit, in the filter's order, behind the place `after`. Distinct resources are so within a page."""
    rows = fitting(conn, wanted, after)
    if wanted.resource is not None and wanted.resource.distinct:
        rows = _first_of_each(rows)
    return [((row["occurred"], row["cursor"]), form(row)) for row in islice(rows, limit)]


def _first_of_each(rows: Iterable[Row]) -> Iterator[Row]:
    """Of the events about one resource, the one that comes first."""
    seen: set[str] = set()
    for row in rows:
        if row["resource_id"] not in seen:
            seen.add(row["resource_id"])
            yield row


def fitting(conn: Connection, wanted: EventFilter, after: Place | None) -> Iterator[Row]:
    """The rows of events that fit, in the filter's order, behind the place `after`, as far as a search looks."""
    return (row for row in _scan(conn, wanted, after) if matches(wanted, row))


def _scan(conn: Connection, wanted: EventFilter, after: Place | None) -> Iterator[Row]:
    rising = wanted.order == "ASC"
    place = tuple_(_event.occurred, _event.cursor)
    statement = select(t.event).where(*conditions(wanted))
    order = (_event.occurred, _event.cursor) if rising else (_event.occurred.desc(), _event.cursor.desc())
    statement = statement.order_by(*order).limit(CHUNK)
    for _ in range(MAX_SCAN // CHUNK):
        rows = conn.execute(_from(statement, place, after, rising)).mappings().all()
        yield from rows
        if len(rows) < CHUNK:
            return
        after = (rows[-1]["occurred"], rows[-1]["cursor"])


def _from(statement: Select[Any], place: Any, after: Place | None, rising: bool) -> Select[Any]:
    if after is None:
        return statement
    return statement.where(place > after if rising else place < after)
