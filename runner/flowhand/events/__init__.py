"""Triggers, and events of one's own. Names are loaded on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowhand.lazy import on_first_use

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

__getattr__ = on_first_use(
    __name__,
    {
        "flowhand.events.automation": ("Automation",),
        "flowhand.events.emitting": ("EventTooLarge", "emit_event", "flush_events"),
        "flowhand.events.event": ("Event", "RelatedResource", "Resource", "ResourceSpecification"),
        "flowhand.events.triggers": (
            "CompoundTrigger",
            "DeploymentCompoundTrigger",
            "DeploymentEventTrigger",
            "DeploymentMetricTrigger",
            "DeploymentSequenceTrigger",
            "DeploymentTrigger",
            "EventTrigger",
            "MetricTrigger",
            "MetricTriggerQuery",
            "Posture",
            "SequenceTrigger",
        ),
    },
)
