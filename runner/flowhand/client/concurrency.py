"""Calls about concurrency limits: by tag of tasks (v1), and by name (v2, the global ones) (contract 10). Answers are JSON as it came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowhand.client.call import Call, Errand, Json, path_of, read_json, read_nothing
from flowhand.client.paging import every, filter_path

# --- by tag ----------------------------------------------------------------------------------------------------------------------------


def set_tag(tag: str, limit: int) -> Call[Json]:
    """The limit of a tag, made or changed."""
    body = {"tag": tag, "concurrency_limit": limit}
    return Call("POST", "/concurrency_limits/", read_json, body, about=f"the limit of tag {tag!r}")


def read_tag(tag: str) -> Call[Json]:
    """The limit of a tag, and the task runs that hold its slots."""
    return Call("GET", path_of("concurrency_limits", "tag", tag), read_json, about=f"the limit of tag {tag!r}")


def reset_tag(tag: str) -> Call[None]:
    """Frees all slots of a tag."""
    return Call("POST", path_of("concurrency_limits", "tag", tag, "reset"), read_nothing, {}, about=f"the limit of tag {tag!r}")


def delete_tag(tag: str) -> Call[None]:
    """Removes the limit of a tag."""
    return Call("DELETE", path_of("concurrency_limits", "tag", tag), read_nothing, about=f"the limit of tag {tag!r}")


def tags(limit: int | None = None) -> Errand[list[Json]]:
    """All limits by tag."""
    return every(filter_path("concurrency_limits"), {}, limit)


# --- by name ---------------------------------------------------------------------------------------------------------------------------


def create(body: Mapping[str, Any]) -> Call[Json]:
    """Makes a limit; ObjectAlreadyExists when the name is taken. `body` is a `wire.concurrency.LimitCreate`."""
    path = "/v2/concurrency_limits/"
    return Call("POST", path, read_json, dict(body), repeatable=False, about=f"global concurrency limit {body.get('name')!r}")


def read(name: str) -> Call[Json]:
    """A limit by its name or id."""
    return Call("GET", path_of("v2", "concurrency_limits", name), read_json, about=f"global concurrency limit {name!r}")


def update(name: str, changes: Mapping[str, Any]) -> Call[None]:
    """Sets what is present."""
    path = path_of("v2", "concurrency_limits", name)
    return Call("PATCH", path, read_nothing, dict(changes), about=f"global concurrency limit {name!r}")


def delete(name: str) -> Call[None]:
    """Removes a limit."""
    return Call("DELETE", path_of("v2", "concurrency_limits", name), read_nothing, about=f"global concurrency limit {name!r}")


def listed(limit: int | None = None) -> Errand[list[Json]]:
    """All limits by name."""
    return every(filter_path("v2", "concurrency_limits"), {}, limit)
