"""Firings: a trigger's part has fired; the composites around it may then fire too, and at last the automation acts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select

from flowhand.ids import timed_id
from flowhand.wire.automations import SequenceTrigger
from flowhand_server.automations.rulebook import Composite, Rule
from flowhand_server.store import tables as t

_firing = t.automation_firing.c


@dataclass(frozen=True, slots=True)
class Firing:
    """An automation is set off."""

    rule: Rule
    at: int
    """When, by the event's own time or the end of a window (microseconds)."""
    event: Mapping[str, Any] | None
    """The event that did it; None for the absence of one."""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """The values of what is counted `for_each`."""
    resolved: bool = False
    """A figure is back in bounds, rather than out of them."""
    id: str = field(default_factory=timed_id)


def goes_through(conn: Connection, firing: Firing) -> bool:
    """Whether the firing of a part sets the automation off: every composite around it has to fire too."""
    part = firing.rule.trigger.id
    for composite in firing.rule.around:
        if not _fires(conn, composite, part, firing):
            return False
        part = composite.id
    return True


def _fires(conn: Connection, composite: Composite, part: str, firing: Firing) -> bool:
    if _needed(composite) == 1:
        return True
    mine = (_firing.automation_id == firing.rule.automation_id) & (_firing.trigger_id == composite.id)
    if composite.within is not None:
        conn.execute(delete(t.automation_firing).where(mine, _firing.at < firing.at - round(composite.within * 1_000_000)))
    conn.execute(delete(t.automation_firing).where(mine, _firing.part_id == part))
    key = {"automation_id": firing.rule.automation_id, "trigger_id": composite.id, "part_id": part}
    conn.execute(insert(t.automation_firing).values(**key, at=firing.at, id=firing.id, event=firing.event))
    order = conn.execute(select(_firing.part_id).where(mine).order_by(_firing.at, _firing.id)).scalars().all()
    if not _complete(composite, order):
        return False
    conn.execute(delete(t.automation_firing).where(mine))
    return True


def _needed(composite: Composite) -> int:
    if isinstance(composite, SequenceTrigger) or composite.require == "all":
        return len(composite.triggers)
    return 1 if composite.require == "any" else composite.require


def _complete(composite: Composite, fired: Sequence[str]) -> bool:
    """Whether enough parts have fired, for a sequence one after the other."""
    if isinstance(composite, SequenceTrigger):
        return list(fired) == [part.id for part in composite.triggers]
    return len(fired) >= _needed(composite)


TYPE_LABEL: Final = "prefect.trigger-type"
POSTURE_LABEL: Final = "prefect.posture"


def trigger_labels(automation: Mapping[str, Any]) -> dict[str, str]:
    """What an automation's events say of its trigger."""
    trigger: Mapping[str, Any] = automation["trigger"]
    labels = {TYPE_LABEL: str(trigger["type"])}
    return labels | {POSTURE_LABEL: str(trigger["posture"])} if trigger.get("posture") else labels
