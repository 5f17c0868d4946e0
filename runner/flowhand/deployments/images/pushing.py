"""A push as it goes: bytes of all layers together, and the registry's own words when it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flowhand.errors import PushError

Advance = Callable[[int, int], None]
"""Told how many bytes went over, of how many that are known by now."""


def follow_push(reference: str, events: Iterable[Mapping[str, Any]], advance: Advance) -> None:
    """To the end of the push. PushError with the registry's words."""
    layers: dict[str, tuple[int, int]] = {}
    for event in events:
        if "error" in event:
            raise PushError(f"pushing image {reference} failed: {str(event['error']).strip()}")
        layer, detail = event.get("id"), event.get("progressDetail") or {}
        if layer and "current" in detail:
            done = int(detail["current"])
            layers[layer] = (done, max(int(detail.get("total") or 0), done))
            advance(sum(now for now, _ in layers.values()), sum(total for _, total in layers.values()))
