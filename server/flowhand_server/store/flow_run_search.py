"""How flow runs are searched for: their orders, and what a filter tells about the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select, union_all

from flowhand.wire import criteria
from flowhand.wire.filters import Entities, FlowRunFilter
from flowhand.wire.states import TERMINAL, StateType
from flowhand_server.store import tables as t
from flowhand_server.store.filters import OPERATORS, each_of, one_of
from flowhand_server.store.flow_run_tags import choices, how_many, tagged, without_choice
from flowhand_server.store.name_candidates import candidates
from flowhand_server.store.nouns import ids_alone, where
from flowhand_server.store.prepared import among
from flowhand_server.store.reading import Opaque
from flowhand_server.store.search import PEEK, PROBE, Approach
from flowhand_server.store.search_orders import Beginning, Order

_run = t.flow_run.c
_BEGUN: Final = (func.coalesce(_run.start_time, _run.expected_start_time), _run.id)
_EXPECTED: Final = (_run.expected_start_time, _run.id)
_NEXT: Final = "NEXT_SCHEDULED_START_TIME_ASC"
_ENDED: Final = "END_TIME_DESC"
IN_TWO: Final = {name: (name, f"after {name}") for name in (_NEXT, _ENDED)}
"""Orders by a time that not every run has, as two: of those that have one, by an index of their own or where databases differ about the
place of the others, and of the others, which come after them.
"""
ORDERS: Final[dict[str, Order]] = {
    "ID_DESC": Order((_run.id,), descending=True),
    "START_TIME_ASC": Order(_BEGUN),
    "START_TIME_DESC": Order(_BEGUN, descending=True),
    "EXPECTED_START_TIME_ASC": Order(_EXPECTED),
    "EXPECTED_START_TIME_DESC": Order(_EXPECTED, descending=True),
    "NAME_ASC": Order((_run.name, _run.id)),
    "NAME_DESC": Order((_run.name, _run.id), descending=True),
    _NEXT: Order((_run.next_scheduled_start_time, _run.id), within=_run.next_scheduled_start_time.is_not(None)),
    IN_TWO[_NEXT][1]: Order((_run.id,)),
    _ENDED: Order((_run.end_time, _run.id), descending=True, within=_run.end_time.is_not(None)),
    IN_TWO[_ENDED][1]: Order((_run.id,), descending=True),
}
_REST: Final = {
    IN_TWO[_NEXT][1]: Opaque(_run.next_scheduled_start_time.is_(None)),
    IN_TWO[_ENDED][1]: Opaque(_run.end_time.is_(None)),
}
"""What runs in the second part of an order have in common. It is asked of those that are met by id or found by the query's filters: by an
index SQLite would find very many at once and sort them, as very many may be yet to come.
"""
_PRECISE: Final = ("id", "name", "idempotency_key", "parent_task_run_id", "parent_flow_run_id")
"""Properties of which an `any_` leaves few runs."""

_PEEK_FOR_TEXT: Final = 100
"""A text is looked for in an index of names, thousands of which are read as quickly as hundreds of runs."""


@dataclass(frozen=True, slots=True)
class ByTag:
    """Which of the tags that are asked for is the rarest, and whether less than PROBE runs have it."""

    choice: int
    few: bool


@dataclass(frozen=True, slots=True)
class ByName:
    """That all runs whose names may fit are known: they are few, and are the parameter CANDIDATES."""


Hint = ByTag | ByName | None
CANDIDATES: Final = "candidates"


def hint(conn: Connection, query: Entities) -> tuple[Hint, dict[str, list[str]]]:
    """What has to be known before a way is chosen, and the parameters that this way has beside those of the query."""
    tags = _rarest_tag(conn, query)
    if tags is not None and tags.few:
        return tags, {}
    text = _text_asked(query.flow_runs)
    runs = None if text is None else candidates(conn, text)
    return (tags, {}) if runs is None else (ByName(), {CANDIDATES: runs})


def _rarest_tag(conn: Connection, query: Entities) -> ByTag | None:
    asked = choices(query.flow_runs)
    if not asked:
        return None
    under_way = [how_many(conn, tags, PROBE) for tags in asked]
    counts = [question.scalar() for question in under_way]
    least = min(counts)
    return ByTag(counts.index(least), least < PROBE)


def _text_asked(criterion: FlowRunFilter | None) -> str | None:
    """What the names of all runs that fit are like."""
    name = criterion.name if criterion is not None and criterion.operator == "and_" else None
    return None if name is None or (name.operator == "or_" and name.any_ is not None) else name.like_


def found_by(hint: ByTag | ByName, query: Entities, *beside: ColumnElement[bool]) -> Select[tuple[str]]:
    """The ids of the runs that fit and meet what is asked `beside`, found by what the hint says and by nothing else."""
    if isinstance(hint, ByTag):
        return tagged(choices(query.flow_runs)[hint.choice], where(t.flow_run, without_choice(query, hint.choice)) + list(beside))
    return select(_run.id).where(among(_run.id, CANDIDATES), Opaque(and_(*where(t.flow_run, query), *beside)))


def approach(query: Entities, order: str, hint: Hint) -> Approach:
    """How runs that fit are searched for."""
    along, rest = _index_of(ORDERS[order], query), [_REST[order]] if order in _REST else []
    conditions = where(t.flow_run, query) + rest
    if hint is None:
        if query.flow_runs is not None and query.flow_runs.name is not None and query.flow_runs.name.like_ is not None:
            return Approach(along, conditions, peek=_PEEK_FOR_TEXT, samples=True)
        peek = 0 if _is_precise(query.flow_runs, _PRECISE) else PEEK
        return Approach(along, conditions, peek=peek, one_plan=_is_precise(query.flow_runs, ("id",)))
    few = isinstance(hint, ByName) or hint.few
    probe = found_by(hint, query, *rest, *([] if along.within is None else [along.within]))
    return Approach(along, conditions, probe, reads=isinstance(hint, ByName), peek=0 if few else PEEK, samples=True, few=few)


def _is_precise(criterion: FlowRunFilter | None, names: Sequence[str]) -> bool:
    """Whether few runs can fit, whichever they are, since one of these is named."""
    if criterion is None or criterion.operator == "or_":
        return False
    named = (getattr(criterion, name) for name in names)
    return any(one is not None and one.any_ is not None and one.operator == "and_" for one in named)


# --- where an index is entered ----------------------------------------------------------------------------------------------------------


def _index_of(order: Order, query: Entities) -> Order:
    """The order, confined to the part of its index in which what fits can be."""
    beginning = _beginning(query) if order.columns is _EXPECTED else None
    latest = _latest(order.columns, query) if order.descending else None
    within = [part for part in (latest, _span(order.columns, query)) if part is not None]
    return (
        order if beginning is None and not within else Order(order.columns, order.descending, and_(*within) if within else None, beginning)
    )


def _span(columns: tuple[ColumnElement[Any], ...], query: Entities) -> ColumnElement[bool] | None:
    """That a run has its place in the order between the times that are asked for, if that is what it is ordered by."""
    runs = query.flow_runs if query.flow_runs is not None and query.flow_runs.operator == "and_" else FlowRunFilter()
    asked = runs.start_time if columns is _BEGUN else runs.expected_start_time if columns is _EXPECTED else None
    if asked is None or asked.operator == "or_":
        return None
    bounds = {name: value for name in ("before_", "after_") if (value := getattr(asked, name)) is not None}
    return and_(*(OPERATORS[name](columns[0], value) for name, value in bounds.items())) if bounds else None


def _beginning(query: Entities) -> Beginning | None:
    """That a run has the only deployment, flow or kind of state that is asked for: there are indexes that begin with each of these."""
    runs = query.flow_runs if query.flow_runs is not None and query.flow_runs.operator == "and_" else FlowRunFilter()
    state = runs.state if runs.state is not None and runs.state.operator == "and_" else criteria.States()
    asked = (
        (_run.deployment_id, ids_alone(query.deployments)),
        (_run.deployment_id, _only(runs.deployment_id)),
        (_run.flow_id, ids_alone(query.flows)),
        (_run.state_name, _only(state.name)),
        (_run.state_type, _only(state.type)),
    )
    return next(
        (Beginning(column, each_of(column, values)[0]) for column, values in asked if values is not None and len(values) == 1), None
    )


def _only(criterion: Any) -> list[Any] | None:
    return criterion.any_ if criterion is not None and criterion.operator == "and_" else None


def _latest(columns: tuple[ColumnElement[Any], ...], query: Entities) -> ColumnElement[bool] | None:
    """That a run is no later than the latest that can be in a state that is asked for: before these come all that are yet to come."""
    types = _types(query)
    if not types or StateType.SCHEDULED in types:
        return None
    latest = [select(func.max(_run.expected_start_time).label("at")).where(one_of(_run.state_type, [kind])) for kind in types]
    if columns is _BEGUN and TERMINAL.issuperset(types):  # what has ended began before it ended, or never
        latest.append(select(func.max(_run.end_time)))
    elif columns is not _EXPECTED:
        return None
    found: Select[Any] = latest[0] if len(latest) == 1 else select(func.max(union_all(*latest).subquery("latest").c.at))
    return columns[0] <= found.correlate(None).scalar_subquery()


def _types(query: Entities) -> list[StateType] | None:
    runs = query.flow_runs
    if runs is None or runs.operator == "or_" or runs.state is None or runs.state.operator == "or_":
        return None
    return _only(runs.state.type)
