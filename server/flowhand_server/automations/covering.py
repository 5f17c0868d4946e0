"""Which events a trigger is about (contract 8.2, 10). Pure. An event here is its form: the dictionary that goes on the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from flowhand.wire.automations import EventTrigger, MetricTrigger
from flowhand.wire.events import RESOURCE_ROLE, ResourceLabels
from flowhand_server.events.matching import Labels, labels_fit

_RELATED: Final = "related:"


def covers(trigger: EventTrigger | MetricTrigger, event: Mapping[str, Any]) -> bool:
    """Whether the event's resources are those that the trigger is about. Each part of `match_related` may fit another related resource."""
    if not labels_fit(trigger.match, event["resource"]):
        return False
    return all(_any_fits(wanted, event["related"]) for wanted in _each(trigger.match_related))


def _each(wanted: ResourceLabels | list[ResourceLabels]) -> Iterable[ResourceLabels]:
    return [one for one in (wanted if isinstance(wanted, list) else [wanted]) if one]


def _any_fits(wanted: ResourceLabels, related: Iterable[Labels]) -> bool:
    return any(labels_fit(wanted, labels) for labels in related)


def named(patterns: Iterable[str], name: str) -> bool:
    """Whether an event's name is among these; `*` at the end stands for anything."""
    return any(name.startswith(one[:-1]) if one.endswith("*") else name == one for one in patterns)


def expects(trigger: EventTrigger, name: str) -> bool:
    """Whether it counts events of this name. One that expects nothing counts all."""
    return not trigger.expect or named(trigger.expect, name)


def begins(trigger: EventTrigger, name: str) -> bool:
    """Whether an event of this name is what the trigger waits for before it begins to count."""
    return bool(trigger.after) and named(trigger.after, name)


def group_of(trigger: EventTrigger, event: Mapping[str, Any]) -> dict[str, str]:
    """What the event is counted under: the values of the `for_each` labels, of the resource or (`related:role:label`) of another."""
    return {label: _label(event, label) or "" for label in sorted(trigger.for_each)}


def key_of(group: Mapping[str, str]) -> str:
    """A group as the key of its window."""
    return orjson.dumps(list(group.values())).decode()


def group_from(trigger: EventTrigger, key: str) -> dict[str, str]:
    """The group that a window's key was made of."""
    return dict(zip(sorted(trigger.for_each), orjson.loads(key), strict=False))


def _label(event: Mapping[str, Any], label: str) -> str | None:
    if not label.startswith(_RELATED):
        return event["resource"].get(label)
    role, _, name = label.removeprefix(_RELATED).partition(":")
    return next((one[name] for one in event["related"] if one.get(RESOURCE_ROLE) == role and name in one), None)
