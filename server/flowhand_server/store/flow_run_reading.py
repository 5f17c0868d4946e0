"""Flow runs as they are read: by id, by filters, counted, and what there is to say of them beside their own rows.

What is found in order is ids, bounded; only those rows are read, with what belongs to them: neither sorting nor joining ever touches more
than the answer holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Select, bindparam, func, select

from flowhand.wire.body import DEFAULT_LIMIT
from flowhand.wire.filters import Entities, FlowRunQuery, Window
from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.errors import NotFound
from flowhand_server.store.flow_run_search import IN_TWO, ByName, ByTag, approach, found_by, hint
from flowhand_server.store.nouns import where
from flowhand_server.store.prepared import Prepared, among
from flowhand_server.store.prepared_values import LONG
from flowhand_server.store.search import SHAPES, Search
from flowhand_server.store.shapes import Shape, take_apart

MISSING: Final = "Flow run not found"
T = TypeVar("T")
_run, _state = t.flow_run.c, t.flow_run_state.c

_SELECT: Final[Select[Any]] = (
    select(
        t.flow_run,
        t.work_pool.c.name.label("work_pool_name"),
        _state.message.label("s_message"),
        _state.state_details.label("s_details"),
        _state.data.label("s_data"),
    )
    .outerjoin_from(t.flow_run, t.flow_run_state, _state.id == _run.state_id)
    .outerjoin(t.work_pool, t.work_pool.c.id == _run.work_pool_id)
)
_BY_ID: Final = Prepared(_SELECT.where(_run.id == bindparam("id")))
_BY_IDS: Final = Prepared(_SELECT.where(among(_run.id, "ids")))

_SEARCH: Final = Search(_SELECT, _run.id, approach, hint)


def read_flow_run(conn: Connection, run_id: str, now: int) -> forms.Form:
    """One run. NotFound."""
    row = _BY_ID.first(conn, id=run_id)
    if row is None:
        raise NotFound(MISSING)
    return forms.flow_run(row._asdict(), now)


def flow_runs_in_order(conn: Connection, ids: Sequence[str], now: int) -> list[forms.Form]:
    """The runs with these ids, in their order; ids without a run are left out."""
    if not ids:
        return []
    rows = {row.id: row._asdict() for row in _BY_IDS.all(conn, ids=ids)}
    return [forms.flow_run(rows[run_id], now) for run_id in ids if run_id in rows]


def find_flow_runs(conn: Connection, query: FlowRunQuery, now: int) -> list[forms.Form]:
    """Runs that fit, in the order asked for."""
    sort = query.sort or "ID_DESC"
    if sort in IN_TWO and query.offset:  # which is counted over two searches: what is before the page is not worth reading whole
        return flow_runs_in_order(conn, find_flow_run_ids(conn, query, sort), now)
    return [forms.flow_run(row._asdict(), now) for row in _in_order(partial(_SEARCH.rows, conn, query), sort, query)]


def find_flow_run_ids(conn: Connection, query: FlowRunQuery, sort: str) -> list[str]:
    """The ids of the runs that fit, in the order asked for."""
    return _in_order(partial(_SEARCH.ids, conn, query), sort, query)


def _in_order(search: Callable[[str, Window], list[T]], sort: str, window: Window) -> list[T]:
    """What a search finds; by a time that not every run has, those that have none come last."""
    if sort not in IN_TWO:
        return search(sort, window)
    with_time, without = IN_TWO[sort]
    end = window.offset + (DEFAULT_LIMIT if window.limit is None else window.limit)
    found = search(with_time, Window(limit=end))
    if len(found) < end:
        found += search(without, Window(limit=end - len(found)))
    return found[window.offset :]


def count_flow_runs(conn: Connection, query: Entities) -> int:
    """How many runs fit."""
    way, known = hint(conn, query)
    shape, values = take_apart(query)
    if isinstance(way, ByName) and len(values) <= LONG:
        return _count_by_name(shape).scalar(conn, **values, **known)
    if isinstance(way, ByTag) and conn.dialect.name == "sqlite":
        return conn.execute(select(func.count()).select_from(found_by(way, query).subquery())).scalar_one()
    return conn.execute(select(func.count()).select_from(t.flow_run).where(*where(t.flow_run, query))).scalar_one()


@lru_cache(SHAPES)
def _count_by_name(shape: Shape) -> Prepared:
    found = found_by(ByName(), shape.with_parameters())
    return Prepared(select(func.count()).select_from(found.subquery()), by_values=True)


def average_lateness(conn: Connection, query: Entities, now: int) -> float | None:
    """The mean of the seconds by which the runs that fit began after their time; None without any such run."""
    started = func.coalesce(_run.start_time, now)
    late = select(func.avg(started - _run.expected_start_time)).where(*where(t.flow_run, query), started > _run.expected_start_time)
    mean = conn.execute(late).scalar()
    return None if mean is None else float(mean) / 1e6


def read_states(conn: Connection, run_id: str) -> list[forms.Form]:
    """A run's states, the oldest first."""
    rows = conn.execute(select(t.flow_run_state).where(_state.flow_run_id == run_id).order_by(_state.timestamp)).mappings()
    return [forms.state(row) for row in rows]


def read_state(conn: Connection, state_id: str) -> forms.Form:
    """One state. NotFound."""
    row = conn.execute(select(t.flow_run_state).where(_state.id == state_id)).mappings().first()
    if row is None:
        raise NotFound("Flow run state not found")
    return forms.state(row)


def pages(count: int, limit: int) -> int:
    """How many pages of `limit` rows hold `count` rows."""
    return (count + limit - 1) // limit


def known_flow_runs(conn: Connection, ids: Iterable[str]) -> set[str]:
    """Which of these runs there are."""
    return set(conn.execute(select(_run.id).where(_run.id.in_(list(ids)))).scalars())
