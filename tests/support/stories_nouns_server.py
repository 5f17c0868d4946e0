"""Stories about the server itself: what it says of its health and versions, and what it says to calls that are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from support.beside import Player

NOBODY: Final = "00000000-0000-4000-8000-000000000000"


def itself(play: Player) -> None:
    for path in ("/health", "/ready", "/hello", "/version", "/admin/version", "/admin/storage", "/collections/views/none"):
        play.get(path)
    play.get("/csrf-token", client=NOBODY)
    play.get("/csrf-token")
    play.post("/task_workers/filter")
    play.post("/task_workers/filter", task_worker_filter={"task_keys": ["x"]})
    for template in ('"{{ x"', '"{{ x }}"', '"plain"'):
        play.post("/templates/validate", template)


def calls_that_are_none(play: Player) -> None:
    for path in ("/none", "/", "/flows", "/flows/none/x/y", "/flow_runs/no-uuid", "/task_workers", "/events", "/logs/filter", "/health/"):
        play.get(path)
    for path in ("/health", "/none", "/hello", "/flows/filter/"):
        play.post(path)
    for path in ("/flows/", "/health", "/deployments/filter", "/none"):
        play.put(path)
        play.patch(path)
        play.delete(path)
    for body in ("{", "none", "[]", "null", "5", '"x"', '{"name": "x", "name": "y"}'):
        play.post("/flows/", body)
        play.post("/flows/filter", body)


def bodies_that_are_left_out(play: Player) -> None:
    for noun in ("flows", "deployments", "work_pools", "variables", "artifacts", "block_types", "automations"):
        play.post(f"/{noun}/filter", "")
    for noun in ("flows", "deployments", "work_pools", "variables", "artifacts"):
        play.post(f"/{noun}/", "")


def schemas_of_forms(play: Player) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    forms: list[dict[str, Any]] = [
        {"json_schema": schema, "values": {"a": "x"}},
        {"json_schema": schema, "values": {}},
        {"json_schema": schema, "values": {"a": 1}},
        {"json_schema": {"type": "object"}, "values": {"a": {"__prefect_kind": "json", "value": "{"}}},
        {"json_schema": {"type": "object"}, "values": {"a": {"__prefect_kind": "workspace_variable", "variable_name": "none"}}},
    ]
    for body in forms:
        play.post("/ui/schemas/validate", body)


STORIES: Final[dict[str, Callable[[Player], None]]] = {
    "bodies that are left out": bodies_that_are_left_out,
    "the server itself": itself,
    "calls that are none": calls_that_are_none,
    "schemas of forms": schemas_of_forms,
}
