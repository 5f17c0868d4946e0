"""Calls about the queues of work pools. Answers are the API's JSON as it came; `wire.work_pools.WorkQueue` reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowhand.client.call import Call, Errand, Json, path_of, read_json, read_nothing, read_row
from flowhand.client.paging import every, filter_path


def create(pool: str, name: str, **fields: Any) -> Call[Json]:
    """Makes a queue; ObjectAlreadyExists when the name is taken. `fields` as in `wire.work_pools.WorkQueueCreate`, None left out."""
    given = {key: value for key, value in fields.items() if value is not None}
    return Call("POST", path_of("work_pools", pool, "queues"), read_row, {"name": name, **given}, about=_named(pool, name))


def read(pool: str, name: str) -> Call[Json]:
    """A queue by the names of its pool and its own."""
    return Call("GET", path_of("work_pools", pool, "queues", name), read_row, about=_named(pool, name))


def update(queue_id: str, changes: Mapping[str, Any]) -> Call[None]:
    """Sets what is present, null included. By id, as clients of the contract do (contract 10)."""
    return Call("PATCH", path_of("work_queues", queue_id), read_nothing, dict(changes), about=f"work queue {queue_id}")


def delete(pool: str, name: str) -> Call[None]:
    """Deletes a queue."""
    return Call("DELETE", path_of("work_pools", pool, "queues", name), read_nothing, about=_named(pool, name))


def status(queue_id: str) -> Call[Json]:
    """Whether the queue is polled and keeps up."""
    return Call("GET", path_of("work_queues", queue_id, "status"), read_json, about=f"work queue {queue_id}")


def listed(pool: str, limit: int | None = None) -> Errand[list[Json]]:
    """The queues of a pool, in order of priority."""
    return every(filter_path("work_pools", pool, "queues"), {}, limit)


def _named(pool: str, name: str) -> str:
    return f"work queue {name!r} of work pool {pool!r}"
