"""Calls about variables (contract 10). Answers are the API's JSON as it came; `wire.variables` reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowhand.client.call import Call, Errand, Json, path_of, read_nothing, read_row
from flowhand.client.paging import every, filter_path


def read(name: str) -> Call[Json]:
    """A variable by its name."""
    return Call("GET", path_of("variables", "name", name), read_row, about=_named(name))


def create(body: Mapping[str, Any]) -> Call[Json]:
    """Makes a variable (`wire.variables.VariableCreate`); ObjectAlreadyExists when the name is taken."""
    return Call("POST", "/variables/", read_row, dict(body), repeatable=False, about=_named(str(body.get("name"))))


def update(name: str, changes: Mapping[str, Any]) -> Call[None]:
    """Sets what is present, null included."""
    return Call("PATCH", path_of("variables", "name", name), read_nothing, dict(changes), about=_named(name))


def delete(name: str) -> Call[None]:
    """Deletes a variable."""
    return Call("DELETE", path_of("variables", "name", name), read_nothing, about=_named(name))


def listed(limit: int | None = None) -> Errand[list[Json]]:
    """Variables by name."""
    return every(filter_path("variables"), {"sort": "NAME_ASC"}, limit)


def _named(name: str) -> str:
    return f"variable {name!r}"
