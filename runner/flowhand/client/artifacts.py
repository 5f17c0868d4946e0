"""Calls about artifacts (contract 10). Answers are the API's JSON as it came."""

from __future__ import annotations

from flowhand.client.call import Call, Errand, Json, path_of, read_json, read_nothing
from flowhand.client.paging import every, filter_path


def read(artifact_id: str) -> Call[Json]:
    """An artifact by its id."""
    return Call("GET", path_of("artifacts", artifact_id), read_json, about=f"artifact {artifact_id}")


def read_latest(key: str) -> Call[Json]:
    """The newest artifact of a key."""
    return Call("GET", path_of("artifacts", key, "latest"), read_json, about=f"artifact {key!r}")


def delete(artifact_id: str) -> Call[None]:
    """Deletes an artifact."""
    return Call("DELETE", path_of("artifacts", artifact_id), read_nothing, about=f"artifact {artifact_id}")


def listed(key: str | None = None, limit: int | None = None) -> Errand[list[Json]]:
    """Artifacts, the newest first; of one key, or all."""
    wanted = {"artifacts": {"key": {"any_": [key]}}} if key is not None else {}
    return every(filter_path("artifacts"), {**wanted, "sort": "CREATED_DESC"}, limit)


def latest(limit: int | None = None) -> Errand[list[Json]]:
    """The newest artifact of each key."""
    return every(filter_path("artifacts", "latest"), {}, limit)
