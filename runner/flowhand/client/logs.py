"""Calls about log lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowhand.client.call import Call, Errand, Json, read_nothing
from flowhand.client.paging import every, filter_path


def create(lines: Sequence[Mapping[str, Any]]) -> Call[None]:
    """Stores lines (`wire.logs.LogCreate`)."""
    return Call("POST", "/logs/", read_nothing, [dict(line) for line in lines], repeatable=False, about="logs")


def listed(
    flow_run_id: str, *, level: int | None = None, after: str | None = None, newest_first: bool = False, limit: int | None = None
) -> Errand[list[Json]]:
    """Lines of a run in order of their stamps, from `level` up and stamped after `after` (ISO-8601)."""
    criteria: Json = {"flow_run_id": {"any_": [flow_run_id]}}
    if level is not None:
        criteria["level"] = {"ge_": level}
    if after is not None:
        criteria["timestamp"] = {"after_": after}
    return every(filter_path("logs"), {"logs": criteria, "sort": "TIMESTAMP_DESC" if newest_first else "TIMESTAMP_ASC"}, limit)
