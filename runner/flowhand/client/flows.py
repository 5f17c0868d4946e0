"""Calls about flows. Answers are the API's JSON as it came; `wire.flows.Flow` reads it."""

from __future__ import annotations

from collections.abc import Sequence

from flowhand.client.call import Call, Errand, Json, path_of, read_nothing, read_row
from flowhand.client.paging import every, filter_path


def create(name: str, tags: Sequence[str] = ()) -> Call[Json]:
    """The flow of that name, made when there is none."""
    return Call("POST", "/flows/", read_row, {"name": name, "tags": list(tags)}, about=f"flow {name!r}")


def read(flow_id: str) -> Call[Json]:
    """A flow by its id."""
    return Call("GET", path_of("flows", flow_id), read_row, about=f"flow {flow_id}")


def read_by_name(name: str) -> Call[Json]:
    """A flow by its name."""
    return Call("GET", path_of("flows", "name", name), read_row, about=f"flow {name!r}")


def delete(flow_id: str) -> Call[None]:
    """Deletes a flow with its deployments."""
    return Call("DELETE", path_of("flows", flow_id), read_nothing, about=f"flow {flow_id}")


def listed(*, name_like: str | None = None, ids: Sequence[str] | None = None, limit: int | None = None) -> Errand[list[Json]]:
    """Flows in order of their name. `name_like` is a part of it, in any case."""
    criteria: Json = {}
    if name_like is not None:
        criteria["name"] = {"like_": name_like}
    if ids is not None:
        criteria["id"] = {"any_": list(ids)}
    return every(filter_path("flows"), {"flows": criteria or None, "sort": "NAME_ASC"}, limit)


def names_of(ids: Sequence[str]) -> Errand[dict[str, str]]:
    """The names of flows by their ids, in as few calls as pages allow."""
    names: dict[str, str] = {}
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), 200):
        found = yield from listed(ids=wanted[start : start + 200])
        names.update({flow["id"]: flow["name"] for flow in found})
    return names
