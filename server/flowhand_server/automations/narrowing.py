"""The runs that a trigger can be about, as a condition for the database: a rare flow is found on a busy server without reading the rest.

Only what plain ids say is put into it; `covers` has the last word on every run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import ColumnElement, or_, select

from flowhand.wire.automations import MetricTrigger
from flowhand.wire.events import RESOURCE_ID, ResourceLabels
from flowhand_server.store import tables as t

_run, _tag = t.flow_run.c, t.flow_run_tag.c


def narrowed(trigger: MetricTrigger) -> list[ColumnElement[bool]]:
    """Conditions that every run of the trigger meets; none when nothing can be said."""
    related = trigger.match_related if isinstance(trigger.match_related, list) else [trigger.match_related]
    return [condition for one in related if (condition := _about(one)) is not None]


def _about(wanted: ResourceLabels) -> ColumnElement[bool] | None:
    texts = wanted.get(RESOURCE_ID) or []
    parts = [_one(text) for text in ([texts] if isinstance(texts, str) else texts)]
    known = [part for part in parts if part is not None]
    return or_(*known) if known and len(known) == len(parts) else None


def _one(text: str) -> ColumnElement[bool] | None:
    if text.endswith("*"):
        return None
    for begin, condition in _KINDS.items():
        if text.startswith(begin):
            return condition(text.removeprefix(begin))
    return None


_KINDS: Final[dict[str, Callable[[str], ColumnElement[Any]]]] = {
    "prefect.flow.": lambda key: _run.flow_id == key,
    "prefect.deployment.": lambda key: _run.deployment_id == key,
    "prefect.work-queue.": lambda key: _run.work_queue_id == key,
    "prefect.work-pool.": lambda key: _run.work_pool_id == key,
    "prefect.tag.": lambda tag: _run.id.in_(select(_tag.flow_run_id).where(_tag.tag == tag)),
}
"""By how the name of a related resource begins (`resources_of_runs`): which runs have it."""
