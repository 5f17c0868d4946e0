"""Which runs have which tag, by tag: the run's own column says the same, but no index looks into it.

Whoever writes `flow_run.tags` writes here too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, exists, func, or_, select

from flowhand.wire.criteria import Tags
from flowhand.wire.filters import FlowRunFilter
from flowhand_server.store.json_sql import is_empty
from flowhand_server.store.reading import PROBE, Opaque, insert_many_once
from flowhand_server.store.tables import flow_run, flow_run_tag

_tag: Final = flow_run_tag.c


def tag_runs(conn: Connection, tags: Iterable[tuple[str, Iterable[str]]]) -> None:
    """Stores the tags of new runs: pairs of a run's id and its tags."""
    insert_many_once(conn, flow_run_tag, [{"tag": tag, "flow_run_id": run_id} for run_id, names in tags for tag in names])


def retag_run(conn: Connection, run_id: str, tags: Iterable[str]) -> None:
    """Has the run have these tags and no others."""
    conn.execute(delete(flow_run_tag).where(_tag.flow_run_id == run_id))
    tag_runs(conn, [(run_id, tags)])


def has_tags(criterion: Tags) -> ColumnElement[bool] | None:
    """The condition on runs that a filter over tags stands for; None when it says nothing."""
    parts = [_has([tag]) for tag in criterion.all_ or ()]
    if criterion.any_ is not None:
        parts.append(_has(criterion.any_))
    if criterion.is_null_ is not None:
        none = is_empty(flow_run.c.tags)
        parts.append(none if criterion.is_null_ else ~none)
    if not parts:
        return None
    return or_(*parts) if criterion.operator == "or_" else and_(*parts)


def _has(tags: list[str]) -> ColumnElement[bool]:
    return exists().where(_tag.flow_run_id == flow_run.c.id, _tag.tag.in_(tags)).correlate(flow_run)


def tags_to_probe(conn: Connection, criterion: FlowRunFilter | None) -> list[str] | None:
    """Tags of which every run that fits has one, the rarest that are known to be so; None when the filter asks for no tag in this way."""
    wanted = criterion.tags if criterion is not None and criterion.operator == "and_" else None
    if wanted is None or wanted.operator == "or_":
        return None
    choices = [[tag] for tag in wanted.all_ or ()] + ([wanted.any_] if wanted.any_ else [])
    return min(choices, key=lambda tags: _count(conn, tags)) if len(choices) > 1 else next(iter(choices), None)


def _count(conn: Connection, tags: list[str]) -> int:
    """How many runs have one of these tags; as many as a probe looks at if there are more."""
    some = select(_tag.tag).where(_tag.tag.in_(tags)).limit(PROBE).subquery()
    return conn.execute(select(func.count()).select_from(some)).scalar_one()


def probe_by_tag(tags: list[str], conditions: list[ColumnElement[bool]]) -> Select[tuple[str]]:
    """The ids of the runs that have one of these tags and fit the conditions, found by tag and by nothing else."""
    tagged = select(flow_run.c.id).join_from(flow_run_tag, flow_run, flow_run.c.id == _tag.flow_run_id)
    return tagged.where(_tag.tag.in_(tags), Opaque(and_(*conditions)))
