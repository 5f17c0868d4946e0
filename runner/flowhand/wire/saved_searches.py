"""Bodies of `/saved_searches`."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from flowhand.wire.body import Answer, Entity, Request


class SavedSearchFilter(Answer):
    """One condition of a search, as the interface understands it."""

    object: str
    property: str
    type: str
    operation: str
    value: Any


class SavedSearchCreate(Request):
    """A search under a name."""

    name: str
    filters: list[SavedSearchFilter] = Field(default_factory=list)


class SavedSearch(Entity):
    """A stored search."""

    name: str
    filters: list[SavedSearchFilter] = Field(default_factory=list)
