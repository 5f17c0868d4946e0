"""Bodies of `/variables` (contract 10)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from flowhand.wire.body import Entity, Request

VariableName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]+$", max_length=255)]
Json = str | int | float | bool | dict[str, Any] | list[Any] | None


class VariableCreate(Request):
    """A named JSON value."""

    name: VariableName
    value: Json
    tags: list[str] = Field(default_factory=list)


class VariableUpdate(Request):
    """Changes to a variable. What is present is set."""

    name: VariableName | None = None
    value: Json = None
    tags: list[str] | None = None


class Variable(Entity):
    """A variable."""

    name: str
    value: Json
    tags: list[str] = Field(default_factory=list)
