"""Triggers: what must happen, or stay away, for an automation to act (contract 10).

The plain ones belong to an automation, those that begin with `Deployment` to a deployment, which they run when they fire. Durations are
seconds, timedeltas or ISO-8601 text. What is wrong with one is a ValueError at once, in one line.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, Literal, cast

from pydantic import BaseModel, ValidationError, field_validator, model_validator

from flowhand.events.words import in_one_line, unknown_field
from flowhand.wire import automations as wire
from flowhand.wire.automations import MetricQuery, Seconds, Trigger

__all__ = ["MetricQuery", "Trigger"]  # pydantic looks `Trigger` up here, for the classes below
MetricTriggerQuery = MetricQuery


class Posture(StrEnum):
    """Whether a trigger answers to events (Reactive), to their absence (Proactive), or to a figure of the runs (Metric)."""

    Reactive = "Reactive"
    Proactive = "Proactive"
    Metric = "Metric"


class _Closed(BaseModel):
    """Refuses fields that it does not have; says what is wrong in one line."""

    def __init__(self, **fields: Any) -> None:
        known = type(self).model_fields
        for name in fields:
            if name not in known:
                raise ValueError(unknown_field(type(self).__name__, name, known))
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise ValueError(f"{type(self).__name__}: {in_one_line(error)}") from None


class OfDeployment(BaseModel):
    """What a deployment's trigger has besides: the automation it becomes, and what its runs are made with."""

    name: str | None = None
    """None: `{deployment}__automation_{i}`."""
    description: str = ""
    enabled: bool = True
    parameters: dict[str, Any] | None = None
    """May hold templates such as `{{ event.resource.id }}`."""
    job_variables: dict[str, Any] | None = None
    schedule_after: Seconds = 0.0


class EventTrigger(_Closed, wire.EventTrigger):
    """Fires on `threshold` of the events that are expected `within` so long; Proactive: when fewer of them come."""

    posture: Literal["Reactive", "Proactive"] = "Reactive"

    @model_validator(mode="after")
    def _says_which(self) -> EventTrigger:
        if not (self.expect or self.after or self.match or self.match_related):
            raise ValueError("it would fire on every event there is; give `expect`, and perhaps `match` or `match_related`")
        return self


class MetricTrigger(_Closed, wire.MetricTrigger):
    """Fires when a figure of the matching runs has been out of bounds for so long."""


class _Composite(BaseModel):
    @field_validator("triggers", mode="before", check_fields=False)
    @classmethod
    def _read_parts(cls, parts: Any) -> Any:
        if not isinstance(parts, list | tuple) or not parts:
            raise ValueError("give a list of at least one trigger")
        return [plain_trigger(part) for part in cast("list[Any]", parts)]


class CompoundTrigger(_Closed, _Composite, wire.CompoundTrigger):
    """Fires when `require` of its triggers have fired: "any", "all", or a number."""


class SequenceTrigger(_Closed, _Composite, wire.SequenceTrigger):
    """Fires when its triggers have fired one after the other."""


class DeploymentEventTrigger(OfDeployment, EventTrigger):
    """An `EventTrigger` that runs its deployment."""


class DeploymentMetricTrigger(OfDeployment, MetricTrigger):
    """A `MetricTrigger` that runs its deployment."""


class DeploymentCompoundTrigger(OfDeployment, CompoundTrigger):
    """A `CompoundTrigger` that runs its deployment."""


class DeploymentSequenceTrigger(OfDeployment, SequenceTrigger):
    """A `SequenceTrigger` that runs its deployment."""


DeploymentTrigger = DeploymentEventTrigger
AnyTrigger = EventTrigger | MetricTrigger | CompoundTrigger | SequenceTrigger
_PLAIN: Final[dict[str, type[AnyTrigger]]] = {
    "event": EventTrigger,
    "metric": MetricTrigger,
    "compound": CompoundTrigger,
    "sequence": SequenceTrigger,
}
_OF_DEPLOYMENT: Final[dict[str, type[AnyTrigger]]] = {
    "event": DeploymentEventTrigger,
    "metric": DeploymentMetricTrigger,
    "compound": DeploymentCompoundTrigger,
    "sequence": DeploymentSequenceTrigger,
}


def plain_trigger(given: Any) -> AnyTrigger:
    """A trigger, or a mapping read as the kind that its fields show. TypeError for anything else, ValueError for a wrong one."""
    return _read(given, _PLAIN)


def deployment_trigger(given: Any) -> AnyTrigger:
    """The same for a deployment's list, where a mapping may also say how the automation is called and what its runs are made with."""
    return _read(given, _OF_DEPLOYMENT)


def _read(given: Any, kinds: Mapping[str, type[AnyTrigger]]) -> AnyTrigger:
    if isinstance(given, AnyTrigger):
        return given
    if not isinstance(given, Mapping):
        raise TypeError(f"{type(given).__name__} is no trigger; give one of flowhand.events, or a mapping with `expect`, …")
    fields = {str(key): value for key, value in cast("Mapping[Any, Any]", given).items()}
    kind = fields.get("type") or _kind(fields)
    if kind not in kinds:
        raise ValueError(f"there is no trigger of type {kind!r}; there are {', '.join(kinds)}")
    return kinds[kind](**fields)


def _kind(fields: Mapping[str, Any]) -> str:
    if "triggers" in fields:
        return "compound" if "require" in fields else "sequence"
    return "metric" if "metric" in fields or fields.get("posture") == "Metric" else "event"


def as_wire(trigger: AnyTrigger) -> dict[str, Any]:
    """The trigger alone, as it goes to the API."""
    known = wire_type(trigger)
    return known.model_validate(trigger.model_dump(mode="json", include=set(known.model_fields))).model_dump(mode="json")


def wire_type(trigger: AnyTrigger) -> type[wire.EventTrigger | wire.MetricTrigger | wire.CompoundTrigger | wire.SequenceTrigger]:
    """The body that a trigger goes to the API as."""
    return _WIRE[trigger.type]


_WIRE: Final = {
    "event": wire.EventTrigger,
    "metric": wire.MetricTrigger,
    "compound": wire.CompoundTrigger,
    "sequence": wire.SequenceTrigger,
}
