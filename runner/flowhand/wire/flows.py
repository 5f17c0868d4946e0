"""Bodies of `/flows`."""

from __future__ import annotations

from pydantic import Field

from flowhand.wire.body import Entity, Labels, Name, Request


class FlowCreate(Request):
    """A flow, known by its name: made once, found ever after."""

    name: Name
    tags: list[str] = Field(default_factory=list)
    labels: Labels | None = None


class FlowUpdate(Request):
    """Changes to a flow."""

    tags: list[str] = Field(default_factory=list)


class Flow(Entity):
    """A flow."""

    name: str
    tags: list[str] = Field(default_factory=list)
    labels: Labels | None = None
