"""Triggers, and events of one's own. Names are loaded on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowhand.events.automation import Automation
    from flowhand.events.emitting import EventTooLarge, emit_event, flush_events
    from flowhand.events.event import Event, RelatedResource, Resource, ResourceSpecification
    from flowhand.events.triggers import (
        CompoundTrigger,
        DeploymentCompoundTrigger,
        DeploymentEventTrigger,
        DeploymentMetricTrigger,
        DeploymentSequenceTrigger,
        DeploymentTrigger,
        EventTrigger,
        MetricTrigger,
        MetricTriggerQuery,
        Posture,
        SequenceTrigger,
    )

__all__ = [
    "Automation",
    "CompoundTrigger",
    "DeploymentCompoundTrigger",
    "DeploymentEventTrigger",
    "DeploymentMetricTrigger",
    "DeploymentSequenceTrigger",
    "DeploymentTrigger",
    "Event",
    "EventTooLarge",
    "EventTrigger",
    "MetricTrigger",
    "MetricTriggerQuery",
    "Posture",
    "RelatedResource",
    "Resource",
    "ResourceSpecification",
    "SequenceTrigger",
    "emit_event",
    "flush_events",
]

_ELSEWHERE = {
    "Automation": "automation",
    "Event": "event",
    "EventTooLarge": "emitting",
    "RelatedResource": "event",
    "Resource": "event",
    "ResourceSpecification": "event",
    "emit_event": "emitting",
    "flush_events": "emitting",
}
"""By name: the module that holds it; the others are triggers."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'flowhand.events' has no attribute {name!r}")
    return getattr(import_module(f"flowhand.events.{_ELSEWHERE.get(name, 'triggers')}"), name)
