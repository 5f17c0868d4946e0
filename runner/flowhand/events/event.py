"""Events, and the resources that they are about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from flowhand.ids import timed_id
from flowhand.wire import events as wire
from flowhand.wire.body import Id, Moment
from flowhand.wire.events import RESOURCE_ID, RESOURCE_NAME, RESOURCE_ROLE


class Resource(dict[str, str]):
    """Labels of a thing; `prefect.resource.id` names it."""

    @property
    def id(self) -> str:
        """What it is called among all things."""
        return self[RESOURCE_ID]

    @property
    def name(self) -> str | None:
        """What people call it."""
        return self.get(RESOURCE_NAME)


class RelatedResource(Resource):
    """A resource that an event touches besides; `prefect.resource.role` says what it is to the event."""

    @property
    def role(self) -> str:
        """What it is to the event."""
        return self[RESOURCE_ROLE]


class ResourceSpecification(dict[str, "str | list[str]"]):
    """Labels that a resource must have: each a text, or any of several; `*` at the end stands for anything, `!` before it for anything
    else."""


class Event(wire.Event):
    """Something that happened to a resource. Made by `emit_event`."""

    id: Id = Field(default_factory=timed_id)
    occurred: Moment = Field(default_factory=lambda: datetime.now(UTC))

    def body(self) -> dict[str, Any]:
        """As it goes to the API. pydantic's error when the payload is nothing that JSON can say."""
        return self.model_dump(mode="json")
