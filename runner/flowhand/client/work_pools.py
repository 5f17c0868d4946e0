"""Calls about work pools and their workers. Answers are the API's JSON as it came; `wire.work_pools` reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowhand.client.call import Call, Errand, Json, path_of, read_json, read_nothing, read_row
from flowhand.client.paging import every, filter_path
from flowhand.errors import ApiRefused


def create(name: str, type: str = "process", **fields: Any) -> Call[Json]:  # noqa: A002  # the API's own word
    """Makes a pool; ObjectAlreadyExists when the name is taken. `fields` as in `wire.work_pools.WorkPoolCreate`, None left out."""
    given = {key: value for key, value in fields.items() if value is not None}
    return Call("POST", "/work_pools/", read_row, {"name": name, "type": type, **given}, about=_named(name))


def read(name: str) -> Call[Json]:
    """A pool by its name."""
    return Call("GET", path_of("work_pools", name), read_row, about=_named(name))


def update(name: str, changes: Mapping[str, Any]) -> Call[None]:
    """Sets what is present, null included."""
    return Call("PATCH", path_of("work_pools", name), read_nothing, dict(changes), about=_named(name))


def delete(name: str) -> Call[None]:
    """Deletes a pool with its queues."""
    return Call("DELETE", path_of("work_pools", name), read_nothing, about=_named(name))


def listed(*, type: str | None = None, limit: int | None = None) -> Errand[list[Json]]:  # noqa: A002
    """Pools, all or those of a type."""
    return every(filter_path("work_pools"), {"work_pools": {"type": {"any_": [type]}} if type else None}, limit)


def workers(name: str, *, online: bool = False, limit: int | None = None) -> Errand[list[Json]]:
    """The workers of a pool, all or those online."""
    criteria = {"status": {"any_": ["ONLINE"]}} if online else None
    return every(filter_path("work_pools", name, "workers"), {"workers": criteria}, limit)


def drain_worker(pool: str, name: str) -> Call[None]:
    """Has one of its workers drain and leave. ObjectNotFound when it has no session."""
    return Call("POST", path_of("work_pools", pool, "workers", name, "drain"), read_nothing, about=f"worker {name!r} of {_named(pool)}")


def templates() -> Errand[dict[str, Json]]:
    """The job template of each type that the server knows (contract 6.2, 9); empty where it has no such list."""
    try:
        view: Json = yield Call("GET", "/collections/views/aggregate-worker-metadata", read_json)
    except ApiRefused:
        return {}
    return {kind: about.get("default_base_job_configuration", {}) for package in view.values() for kind, about in package.items()}


def _named(name: str) -> str:
    return f"work pool {name!r}"
