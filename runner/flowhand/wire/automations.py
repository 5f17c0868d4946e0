"""Bodies of `/automations` (contract 10): what must happen for a trigger to fire, and what is done then. Durations are seconds."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from flowhand.ids import new_id
from flowhand.wire.body import Answer, Entity, Id, Positive, Request
from flowhand.wire.deployment_schedules import Duration
from flowhand.wire.events import ResourceLabels
from flowhand.wire.states import StateType

Seconds = Annotated[Duration, Field(ge=0)]
PROACTIVE_S: Final = 10
"""The least time in which the absence of an event means anything (contract 10)."""


class EventTrigger(Answer):
    """Fires on events (Reactive), or when they stay away (Proactive): `threshold` of those expected `within` so long."""

    type: Literal["event"] = "event"
    id: Id = Field(default_factory=new_id)
    match: ResourceLabels = Field(default_factory=dict)
    match_related: ResourceLabels | list[ResourceLabels] = Field(default_factory=dict)
    after: list[str] = Field(default_factory=list)
    expect: list[str] = Field(default_factory=list)
    for_each: list[str] = Field(default_factory=list)
    posture: Literal["Reactive", "Proactive"]
    threshold: int = 1
    within: Seconds = 0.0

    @model_validator(mode="after")
    def _long_enough(self) -> EventTrigger:
        if self.posture == "Proactive" and not self.within:
            self.within = PROACTIVE_S
        if self.posture == "Proactive" and self.within < PROACTIVE_S:
            raise ValueError(f"the minimum `within` of a proactive trigger is {PROACTIVE_S} seconds")
        return self


class MetricQuery(Answer):
    """A figure of the runs of the last `range` seconds, and what it must not be for `firing_for` seconds on end.

    `successes` is the share of the ended runs that completed, from 0 to 1; `duration` (of ended runs) and `lateness` (of begun ones) are
    means in seconds.
    """

    name: Literal["lateness", "duration", "successes"]
    operator: Literal["<", "<=", ">", ">="]
    threshold: float
    range: Annotated[Seconds, Field(ge=1)] = 300.0
    firing_for: Seconds = 300.0


class MetricTrigger(Answer):
    """Fires when a figure of the runs that match has been out of bounds for so long; once, until it is in bounds again. Ours: Prefect's
    own server has none."""

    type: Literal["metric"] = "metric"
    id: Id = Field(default_factory=new_id)
    match: ResourceLabels = Field(default_factory=dict)
    match_related: ResourceLabels | list[ResourceLabels] = Field(default_factory=dict)
    posture: Literal["Metric"] = "Metric"
    metric: MetricQuery


class CompoundTrigger(Answer):
    """Fires when as many of its triggers have fired as it requires."""

    type: Literal["compound"] = "compound"
    id: Id = Field(default_factory=new_id)
    triggers: list[Trigger]
    require: Positive | Literal["any", "all"]
    within: Seconds | None = None

    @model_validator(mode="after")
    def _reachable(self) -> CompoundTrigger:
        if isinstance(self.require, int) and self.require > len(self.triggers):
            raise ValueError("`require` is more than there are triggers")
        return self


class SequenceTrigger(Answer):
    """Fires when its triggers have fired one after the other."""

    type: Literal["sequence"] = "sequence"
    id: Id = Field(default_factory=new_id)
    triggers: list[Trigger]
    within: Seconds | None = None


def _with_type(trigger: Any) -> Any:
    """A trigger that does not say of which type it is, is the one that its fields belong to."""
    if not isinstance(trigger, dict) or "type" in trigger:
        return trigger
    kind = "compound" if "require" in trigger else "sequence" if "triggers" in trigger else "event"
    return {**trigger, "type": kind}


Trigger = Annotated[
    EventTrigger | MetricTrigger | CompoundTrigger | SequenceTrigger, Field(discriminator="type"), BeforeValidator(_with_type)
]


ActionType = Literal[
    "do-nothing",
    "run-deployment",
    "pause-deployment",
    "resume-deployment",
    "cancel-flow-run",
    "delete-flow-run",
    "change-flow-run-state",
    "pause-work-queue",
    "resume-work-queue",
    "send-notification",
    "call-webhook",
    "pause-automation",
    "resume-automation",
    "suspend-flow-run",
    "resume-flow-run",
    "pause-work-pool",
    "resume-work-pool",
]
"""What an action can be; its fields are `Action`'s."""


def _as_text(payload: Any) -> Any:
    """A payload that is given as an object is sent as its JSON."""
    return json.dumps(payload) if isinstance(payload, dict) else payload


class Action(Answer):
    """What is done when a trigger fires. Which fields count depends on `type`; a `source` of `inferred` takes the thing from the event."""

    type: ActionType
    source: Literal["selected", "inferred"] = "selected"
    deployment_id: Id | None = None
    parameters: dict[str, Any] | None = None
    job_variables: dict[str, Any] | None = None
    schedule_after: Seconds = 0.0
    work_queue_id: Id | None = None
    work_pool_id: Id | None = None
    automation_id: Id | None = None
    block_document_id: Id | None = None
    subject: str | None = None
    body: str | None = None
    payload: Annotated[str | None, BeforeValidator(_as_text)] = None
    state: StateType | None = None
    name: str | None = None
    message: str | None = None
    force: bool = False

    @model_validator(mode="after")
    def _whole(self) -> Action:
        noun = {
            "run-deployment": "deployment_id",
            "pause-deployment": "deployment_id",
            "resume-deployment": "deployment_id",
            "pause-work-queue": "work_queue_id",
            "resume-work-queue": "work_queue_id",
            "pause-automation": "automation_id",
            "resume-automation": "automation_id",
            "pause-work-pool": "work_pool_id",
            "resume-work-pool": "work_pool_id",
        }.get(self.type)
        if noun is not None and (self.source == "selected") != (getattr(self, noun) is not None):
            raise ValueError(f"{noun} is given exactly when the source is 'selected'")
        for name in _NEEDED.get(self.type, ()):
            if getattr(self, name) is None:
                raise ValueError(f"{self.type} needs {name}")
        return self

    def stored(self) -> dict[str, Any]:
        """As it is kept and sent: the fields that its type has."""
        return self.model_dump(mode="json", include={"type", *_FIELDS.get(self.type, ())})


_NEEDED: dict[str, tuple[str, ...]] = {
    "send-notification": ("block_document_id", "body"),
    "call-webhook": ("block_document_id",),
    "change-flow-run-state": ("state",),
}
_FIELDS: dict[str, tuple[str, ...]] = {
    "run-deployment": ("source", "deployment_id", "parameters", "job_variables", "schedule_after"),
    "change-flow-run-state": ("state", "name", "message", "force"),
    "send-notification": ("block_document_id", "subject", "body"),
    "call-webhook": ("block_document_id", "payload"),
    **{f"{verb}-deployment": ("source", "deployment_id") for verb in ("pause", "resume")},
    **{f"{verb}-work-queue": ("source", "work_queue_id") for verb in ("pause", "resume")},
    **{f"{verb}-work-pool": ("source", "work_pool_id") for verb in ("pause", "resume")},
    **{f"{verb}-automation": ("source", "automation_id") for verb in ("pause", "resume")},
}


class AutomationUpdate(Request):
    """A trigger and what is done when it fires, in the place of what was there."""

    name: str
    description: str = ""
    enabled: bool = True
    tags: list[str] = Field(default_factory=list)
    trigger: Trigger
    actions: list[Action]
    actions_on_trigger: list[Action] = Field(default_factory=list)
    actions_on_resolve: list[Action] = Field(default_factory=list)


class AutomationCreate(AutomationUpdate):
    """A new automation; it goes when its owner goes."""

    owner_resource: str | None = None


class AutomationSwitch(Request):
    """Switches an automation on or off."""

    enabled: bool = True


class Automation(Entity):
    """An automation."""

    name: str
    description: str = ""
    enabled: bool = True
    tags: list[str] = Field(default_factory=list)
    trigger: Trigger
    actions: list[dict[str, Any]]
    actions_on_trigger: list[dict[str, Any]] = Field(default_factory=list)
    actions_on_resolve: list[dict[str, Any]] = Field(default_factory=list)
