"""Calls about automations (contract 10). Answers are the API's JSON as it came; `wire.automations.Automation` reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowhand.client.call import Call, Errand, Json, path_of, read_nothing, read_row
from flowhand.client.paging import every, filter_path


def create(body: Mapping[str, Any]) -> Call[Json]:
    """Makes an automation. `body` is a `wire.automations.AutomationCreate`."""
    return Call("POST", "/automations/", read_row, dict(body), repeatable=False, about=f"automation {body.get('name')!r}")


def replace(automation_id: str, body: Mapping[str, Any]) -> Call[None]:
    """Puts another trigger and other actions in the place of what was there. `body` is a `wire.automations.AutomationUpdate`."""
    return Call("PUT", path_of("automations", automation_id), read_nothing, dict(body), about=f"automation {automation_id}")


def read(automation_id: str) -> Call[Json]:
    """An automation by its id."""
    return Call("GET", path_of("automations", automation_id), read_row, about=f"automation {automation_id}")


def switch(automation_id: str, enabled: bool) -> Call[None]:
    """Switches it on or off."""
    return Call("PATCH", path_of("automations", automation_id), read_nothing, {"enabled": enabled}, about=f"automation {automation_id}")


def delete(automation_id: str) -> Call[None]:
    """Deletes an automation."""
    return Call("DELETE", path_of("automations", automation_id), read_nothing, about=f"automation {automation_id}")


def listed(name: str | None = None, limit: int | None = None) -> Errand[list[Json]]:
    """Automations by name; of one name, or all."""
    wanted = {"automations": {"name": {"any_": [name]}}} if name is not None else {}
    return every(filter_path("automations"), wanted, limit)
