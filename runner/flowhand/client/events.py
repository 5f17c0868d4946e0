"""Calls about events (contract 8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flowhand.client.call import Call, Json, read_json, read_nothing


def add(batch: Sequence[Json]) -> Call[None]:
    """Stores events, each id once, so that it may be repeated."""
    return Call("POST", "/events", read_nothing, list(batch), about=f"{len(batch)} events")


def find(wanted: Json, limit: int = 50) -> Call[Json]:
    """A page of stored events, the newest first unless `order` in the filter says otherwise."""
    body: dict[str, Any] = {"filter": wanted, "limit": limit}
    return Call("POST", "/events/filter", read_json, body, about="events")
