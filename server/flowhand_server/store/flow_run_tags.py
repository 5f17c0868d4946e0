"""Which runs have which tag, by tag: the run's own column says the same, but no index looks into it.

Whoever writes `flow_run.tags` writes here too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, delete, exists, func, or_, select

from flowhand.wire.criteria import Tags
from flowhand.wire.filters import Entities, FlowRunFilter
from flowhand_server.store.filters import one_of
from flowhand_server.store.json_sql import is_empty
from flowhand_server.store.prepared import Asked, Prepared, among
from flowhand_server.store.reading import Opaque, insert_many_once
from flowhand_server.store.tables import flow_run, flow_run_tag

_tag: Final = flow_run_tag.c


def tag_runs(conn: Connection, tags: Iterable[tuple[str, Iterable[str]]]) -> None:
    """Stores the tags of new runs: pairs of a run's id and its tags."""
    insert_many_once(conn, flow_run_tag, [{"tag": tag, "flow_run_id": run_id} for run_id, names in tags for tag in set(names)])


def retag_run(conn: Connection, run_id: str, tags: Iterable[str]) -> None:
    """Has the run have these tags and no others."""
    conn.execute(delete(flow_run_tag).where(_tag.flow_run_id == run_id))
    tag_runs(conn, [(run_id, tags)])


def has_tags(criterion: Tags) -> ColumnElement[bool] | None:
    """The condition on runs that a filter over tags stands for; None when it says nothing."""
    parts = [and_(*(_has([tag]) for tag in criterion.all_))] if criterion.all_ else []
    if criterion.any_ is not None:
        parts.append(_has(criterion.any_))
    if criterion.is_null_ is not None:
        none = is_empty(flow_run.c.tags)
        parts.append(none if criterion.is_null_ else ~none)
    if not parts:
        return None
    return or_(*parts) if criterion.operator == "or_" else and_(*parts)


def _has(tags: list[str]) -> ColumnElement[bool]:
    return exists().where(_tag.flow_run_id == flow_run.c.id, one_of(_tag.tag, tags)).correlate(flow_run)


def choices(criterion: FlowRunFilter | None) -> list[list[str]]:
    """Tags of which every run that fits has one: any of these is enough to find all that may fit. Empty when no tag is asked for so."""
    wanted = criterion.tags if criterion is not None and criterion.operator == "and_" else None
    if wanted is None or wanted.operator == "or_":
        return []
    return ([wanted.any_] if wanted.any_ else []) + [[tag] for tag in wanted.all_ or ()]


def without_choice(query: Entities, choice: int) -> Entities:
    """What is asked beside that choice."""
    runs = query.flow_runs
    if runs is None or runs.tags is None:
        return query
    of_all = choice - 1 if runs.tags.any_ else choice
    rest = {"any_": None} if of_all < 0 else {"all_": [tag for place, tag in enumerate(runs.tags.all_ or ()) if place != of_all]}
    return query.model_copy(update={"flow_runs": runs.model_copy(update={"tags": runs.tags.model_copy(update=rest)})})


_SOME: Final = select(_tag.tag).where(among(_tag.tag, "tags")).limit(bindparam("most")).subquery()
_HOW_MANY: Final = Prepared(select(func.count()).select_from(_SOME), by_values=True)


def how_many(conn: Connection, tags: list[str], most: int) -> Asked:
    """Asks how many runs have one of these tags, counted no further than that; its `scalar` tells."""
    return _HOW_MANY.ask(conn, tags=tags, most=most)


def tagged(tags: list[str], conditions: list[ColumnElement[bool]]) -> Select[tuple[str]]:
    """The ids of the runs that have one of these tags and fit the conditions, found by tag and by nothing else."""
    having = one_of(_tag.tag, tags)
    if not conditions:
        found = select(_tag.flow_run_id).where(having)
    else:
        found = (
            select(flow_run.c.id)
            .join_from(flow_run_tag, flow_run, flow_run.c.id == _tag.flow_run_id)
            .where(having, Opaque(and_(*conditions)))
        )
    return found if len(tags) == 1 else found.distinct()
