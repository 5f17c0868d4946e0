"""Telling the API of a deployment: created when it is new, else brought up to date (contract 2.1)."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

from flowhand.client import deployments, flows, work_pools
from flowhand.client.call import Call, Errand, Json, path_of, read_nothing
from flowhand.deployments.api import perform
from flowhand.deployments.pull_steps import pull_step_of
from flowhand.deployments.triggers import automations_of, owned_by, owner_of
from flowhand.errors import ApiError, DeploymentApplyError, ObjectNotFound, Unauthorized

if TYPE_CHECKING:
    from flowhand.deployments.runner_deployment import RunnerDeployment

START_COMMAND: Final = "flowhand flow-run execute"
"""What a container of ours runs."""


async def apply_deployment(deployment: RunnerDeployment, work_pool_name: str | None = None, image: str | None = None) -> str:
    """Creates or updates the deployment and answers its id. Idempotent. ValueError, DeploymentApplyError: see `RunnerDeployment.apply`."""
    return await perform(apply_errand(deployment, work_pool_name, image))


def apply_errand(deployment: RunnerDeployment, work_pool_name: str | None, image: str | None) -> Errand[str]:
    """The same as an errand, for a client that is open already."""
    pool = work_pool_name or deployment.work_pool_name
    _check_pool(deployment, pool, image)
    automations = automations_of(deployment.name, deployment.triggers)
    try:
        body = _body(deployment) if pool is None else _body(deployment) | (yield from _for_pool(deployment, pool, image))
        deployment_id = yield from _create_or_update(deployment, body)
        yield from renew_triggers(deployment.full_name, deployment_id, automations)
    except ApiError as error:
        raise not_applied(deployment.full_name, error) from error
    return deployment_id


def not_applied(full_name: str, error: ApiError) -> DeploymentApplyError:
    """What to raise for an API that refused: the server's words, a line each."""
    words = [str(error)]
    if error.reasons and not isinstance(error, Unauthorized):  # of credentials our own line says what to do
        words = list(error.reasons)
    return DeploymentApplyError("\n".join([f"Error while applying deployment {full_name!r}: {words[0]}", *words[1:]]))


def _check_pool(deployment: RunnerDeployment, pool: str | None, image: str | None) -> None:
    if pool is not None:
        return
    given = {"image": image, "work_queue_name": deployment.work_queue_name, "job_variables": deployment.job_variables}
    for name, value in given.items():
        if value:
            raise ValueError(f"deployment {deployment.full_name!r} has {name} but no work pool; give it a work_pool_name")


def _body(deployment: RunnerDeployment) -> Json:
    limit, options = _limit(deployment)
    body: Json = {
        "version": deployment.version,
        "description": deployment.description,
        "paused": bool(deployment.paused) or (deployment.is_schedule_active is False and not deployment.deployment_schedules()),
        "schedules": [item.wire() for item in deployment.deployment_schedules()],
        "parameters": deployment.parameters,
        "parameter_openapi_schema": deployment.parameter_openapi_schema,
        "enforce_parameter_schema": deployment.enforce_parameter_schema,
        "tags": deployment.tags,
        "entrypoint": deployment.entrypoint,
        "path": deployment.path,
        "storage_document_id": None,
        "infrastructure_document_id": None,
    }
    if limit is not None:  # unknown to 2.20, which refuses fields that it does not know (contract 11)
        body |= {"concurrency_limit": limit, "concurrency_options": options}
    return body


def _limit(deployment: RunnerDeployment) -> tuple[int | None, Json | None]:
    limit = deployment.concurrency_limit
    if limit is None or isinstance(limit, int):
        return limit, None
    grace = {} if limit.grace_period_seconds is None else {"grace_period_seconds": limit.grace_period_seconds}
    return limit.limit, {"collision_strategy": limit.collision_strategy, **grace}


def _for_pool(deployment: RunnerDeployment, pool: str, image: str | None) -> Errand[Json]:
    """What a deployment carries for workers: where its code is, and how its runs are started."""
    found: Json = yield work_pools.read(pool)
    variables = dict(deployment.job_variables)
    if found.get("type") != "process":
        variables.setdefault("command", START_COMMAND)
    if image:
        variables["image"] = image
    return {
        "work_pool_name": pool,
        "work_queue_name": deployment.work_queue_name,
        "job_variables": variables,
        "pull_steps": (yield from _pull_steps(deployment)),
        "path": None if deployment.storage else deployment.path,
    }


def _pull_steps(deployment: RunnerDeployment) -> Errand[list[Json]]:
    if deployment.written_pull_steps is not None:
        return deployment.written_pull_steps
    return [(yield from pull_step_of(deployment.storage, deployment.full_name))] if deployment.storage else []


def _create_or_update(deployment: RunnerDeployment, body: Json) -> Errand[str]:
    try:
        known: Json = yield deployments.read_by_name(str(deployment.flow_name), deployment.name)
    except ObjectNotFound:
        flow: Json = yield flows.create(str(deployment.flow_name))
        made: Json = yield deployments.create({"name": deployment.name, "flow_id": flow["id"]} | body)
        return made["id"]
    changes = body | {"schedules": keep_phase(body["schedules"], known.get("schedules") or [])}
    if deployment.keeps_schedules:
        del changes["schedules"]
    if not deployment.pause_is_given and not changes["paused"]:
        del changes["paused"]
    if known.get("global_concurrency_limit") and "concurrency_limit" not in changes:
        changes["concurrency_limit"] = None
    if known.get("work_pool_name") and "work_pool_name" not in changes:
        changes["work_pool_name"] = None  # from now on served by a script
    yield change(known, changes)
    return known["id"]


def change(known: Json, changes: Json) -> Call[Any]:
    """Sets what `changes` has of the deployment `known`. Its schedules become those of `changes`, if there are any in it.

    A PATCH keeps schedules with slugs that it does not name, and refuses ones without a slug beside them; a POST replaces them all.
    """
    schedules = changes.get("schedules")
    slugs = [item.get("slug") for item in known.get("schedules") or []]
    given = [item.get("slug") for item in schedules or []]
    if schedules is None or not slugs or not all(slugs) or (all(given) and set(slugs) <= set(given)):
        return deployments.update(known["id"], changes)
    return deployments.create({"name": known["name"], "flow_id": known["flow_id"]} | changes)


def keep_phase(schedules: list[Json], known: list[Json]) -> list[Json]:
    """An interval without an anchor keeps the one it has: applying a script again does not shift its runs."""
    anchors = {
        (float(item["schedule"]["interval"]), item["schedule"].get("timezone") or "UTC"): item["schedule"].get("anchor_date")
        for item in known
        if (item.get("schedule") or {}).get("interval") is not None
    }
    kept: list[Json] = []
    for item in schedules:
        rule = item["schedule"]
        anchor = anchors.get((float(rule["interval"]), rule.get("timezone") or "UTC")) if "interval" in rule else None
        kept.append(item | {"schedule": {"anchor_date": anchor} | rule} if anchor else item)
    return kept


def renew_triggers(full_name: str, deployment_id: str, automations: list[Json]) -> Errand[None]:
    """Removes the automations that the deployment owns, and creates its triggers anew. A server without automations is told of."""
    about = f"automations of {full_name!r}"
    try:
        yield Call("DELETE", path_of("automations", "owned-by", owner_of(deployment_id)), read_nothing, about=about)
    except ObjectNotFound:
        if automations:
            warnings.warn(f"the API has no automations: the triggers of {full_name!r} are without effect", stacklevel=2)
        return
    for automation in automations:
        body = owned_by(deployment_id, automation)
        yield Call("POST", "/automations/", read_nothing, body, repeatable=False, about=f"trigger {automation['name']!r}")
