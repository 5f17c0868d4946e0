"""Calls about deployments. Answers are the API's JSON as it came; `wire.deployments.Deployment` reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowhand.client.call import Call, Errand, Json, path_of, read_nothing, read_row, read_rows
from flowhand.client.paging import every, filter_path
from flowhand.ids import is_id


def create(body: Mapping[str, Any]) -> Call[Json]:
    """Creates or replaces the deployment of (flow_id, name), its schedules included. `body` is a `wire.deployments.DeploymentCreate`."""
    return Call("POST", "/deployments/", read_row, dict(body), about=f"deployment {body.get('name')!r}")


def update(deployment_id: str, changes: Mapping[str, Any]) -> Call[None]:
    """Sets what is present, null included."""
    return Call("PATCH", path_of("deployments", deployment_id), read_nothing, dict(changes), about=f"deployment {deployment_id}")


def read(deployment_id: str) -> Call[Json]:
    """A deployment by its id."""
    return Call("GET", path_of("deployments", deployment_id), read_row, about=f"deployment {deployment_id}")


def read_by_name(flow_name: str, deployment_name: str) -> Call[Json]:
    """A deployment by the names of its flow and its own."""
    path = path_of("deployments", "name", flow_name, deployment_name)
    return Call("GET", path, read_row, about=f"deployment '{flow_name}/{deployment_name}'")


def find(name_or_id: str) -> Call[Json]:
    """A deployment by its id or by `flow/deployment`. ValueError for text that is neither."""
    if is_id(name_or_id):
        return read(name_or_id)
    flow_name, slash, deployment_name = name_or_id.partition("/")
    if not (slash and flow_name and deployment_name):
        raise ValueError(f"{name_or_id!r} is not the name of a deployment: write flow/deployment, or its id")
    return read_by_name(flow_name, deployment_name)


def delete(deployment_id: str) -> Call[None]:
    """Deletes a deployment and its runs that have not begun."""
    return Call("DELETE", path_of("deployments", deployment_id), read_nothing, about=f"deployment {deployment_id}")


def listed(
    *, flow_name: str | None = None, tags: Sequence[str] | None = None, work_pool: str | None = None, limit: int | None = None
) -> Errand[list[Json]]:
    """Deployments in order of their name. With `tags`, those that have all of them."""
    body: Json = {"sort": "NAME_ASC"}
    if flow_name is not None:
        body["flows"] = {"name": {"any_": [flow_name]}}
    if tags:
        body["deployments"] = {"tags": {"all_": list(tags)}}
    if work_pool is not None:
        body["work_pools"] = {"name": {"any_": [work_pool]}}
    return every(filter_path("deployments"), body, limit)


def create_run(deployment_id: str, body: Mapping[str, Any]) -> Call[Json]:
    """A run of the deployment (`wire.deployments.DeploymentFlowRunCreate`). Safe to repeat only with an `idempotency_key`.

    ObjectAlreadyExists (409) is also how parameters that do not fit are refused (contract 1).
    """
    path = path_of("deployments", deployment_id, "create_flow_run")
    return Call(
        "POST", path, read_row, dict(body), repeatable=bool(body.get("idempotency_key")), about=f"run of deployment {deployment_id}"
    )


def create_schedules(deployment_id: str, schedules: Sequence[Mapping[str, Any]]) -> Call[list[Json]]:
    """Adds schedules (`wire.deployment_schedules.DeploymentScheduleCreate`)."""
    path = path_of("deployments", deployment_id, "schedules")
    return Call("POST", path, read_rows, [dict(one) for one in schedules], repeatable=False, about=f"schedules of {deployment_id}")


def update_schedule(deployment_id: str, schedule_id: str, changes: Mapping[str, Any]) -> Call[None]:
    """Changes one schedule, such as `{"active": false}`."""
    path = path_of("deployments", deployment_id, "schedules", schedule_id)
    return Call("PATCH", path, read_nothing, dict(changes), about=f"schedule {schedule_id}")


def delete_schedule(deployment_id: str, schedule_id: str) -> Call[None]:
    """Removes one schedule and the runs it planned."""
    path = path_of("deployments", deployment_id, "schedules", schedule_id)
    return Call("DELETE", path, read_nothing, about=f"schedule {schedule_id}")
