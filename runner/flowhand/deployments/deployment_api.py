"""An older `Deployment` and the API: read, and applied in the order that its parts need each other."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from flowhand.blocks import errands
from flowhand.blocks.block import Block
from flowhand.blocks.documents import document_id_of
from flowhand.client import deployments, flows, work_queues
from flowhand.client.call import Call, Errand, Json, path_of, read_json
from flowhand.deployments import own_pools
from flowhand.deployments.applying import change, keep_phase, not_applied, renew_triggers
from flowhand.deployments.deployment_fields import schedules_of
from flowhand.deployments.triggers import automations_of
from flowhand.errors import ApiError, ApiRefused, DeploymentApplyError, ObjectAlreadyExists, ObjectNotFound
from flowhand.schedules import DeploymentSchedule
from flowhand.wire.pool_types import AGENT_POOL, KUBERNETES_POOL

if TYPE_CHECKING:
    from flowhand.deployments.deployment import Deployment

_AS_KNOWN: Final = (
    *("version", "description", "tags", "parameters", "work_queue_name", "work_pool_name", "path", "entrypoint", "manifest_path"),
    *("parameter_openapi_schema", "job_variables"),
)
_UNPROCESSABLE: Final = 422
log = logging.getLogger("flowhand.deployments")


def read(full_name: str) -> Errand[dict[str, Any] | None]:
    """What the API has of `flow/deployment`, as fields of a `Deployment`, its blocks with their secrets; None when it has none."""
    try:
        known: Json = yield deployments.find(full_name)
    except ObjectNotFound:
        return None
    fields: dict[str, Any] = {name: known[name] for name in _AS_KNOWN if known.get(name) is not None}
    fields["schedules"] = schedules_of(known.get("schedules") or [])
    for name in ("storage", "infrastructure"):
        if known.get(f"{name}_document_id"):
            fields[name] = yield from errands.load_by_id(Block, known[f"{name}_document_id"])
    block, pool = fields.get("infrastructure"), fields.get("work_pool_name")
    if pool == AGENT_POOL or (pool == KUBERNETES_POOL and getattr(block, "own_pool", None) == pool):
        del fields["work_pool_name"]
        if pool != AGENT_POOL:
            fields["job_variables"] = own_pools.variables_without(block, fields.get("job_variables") or {})
    return fields


class Application:
    """One `apply`: each step needs what those before it have made. A step that failed leaves what they made; applying again goes on."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._infrastructure = deployment.infrastructure
        self._automations = automations_of(deployment.name, deployment.triggers)

    def flow_and_infrastructure(self) -> Errand[tuple[str, str]]:
        """The ids of the flow and of the infrastructure's document. A block that is not saved is saved anonymously: a copy of it."""
        flow: Json = yield flows.create(str(self._deployment.flow_name))
        yield from own_pools.ensure(self._deployment)
        known = document_id_of(self._deployment.infrastructure)
        if own_pools.own_pool_of(self._deployment):
            self._infrastructure = yield from own_pools.with_saved_cluster(self._infrastructure)
        if known is None:
            known = yield from errands.save(self._infrastructure.model_copy(), is_anonymous=True)
        return flow["id"], known

    def the_rest(self, flow_id: str, infrastructure_id: str, limit: int | None) -> Errand[str]:
        """Storage, queue, the deployment itself, its triggers; its id."""
        deployment = self._deployment
        storage_id = None
        if deployment.storage is not None:
            storage_id = document_id_of(deployment.storage) or (yield from errands.save(deployment.storage, is_anonymous=True))
        if deployment.work_queue_name:
            yield from _queue(deployment.work_pool_name or own_pools.own_pool_of(deployment), deployment.work_queue_name, limit)
        body = _body(deployment) | {"storage_document_id": storage_id, "infrastructure_document_id": infrastructure_id}
        if own_pools.own_pool_of(deployment):
            body["job_variables"] = own_pools.variables_with(self._infrastructure, deployment.job_variables)
        deployment_id = yield from _create_or_update(deployment, flow_id, body)
        yield from renew_triggers(deployment.full_name, deployment_id, self._automations)
        return deployment_id


def refused(deployment: Deployment, error: ApiError) -> DeploymentApplyError:
    """What to raise for an API that said no; one that knows no manifests is told apart."""
    if deployment.manifest_path and isinstance(error, ApiRefused) and error.status == _UNPROCESSABLE and "manifest_path" in error.detail:
        return DeploymentApplyError(
            f"deployment {deployment.full_name!r} has a manifest ({deployment.manifest_path}), which this API does not know; "
            "give it an entrypoint in place of the manifest_path"
        )
    return not_applied(deployment.full_name, error)


def _body(deployment: Deployment) -> Json:
    body: Json = {
        "version": deployment.version,
        "description": deployment.description,
        "tags": deployment.tags,
        "parameters": deployment.parameters,
        "work_queue_name": deployment.work_queue_name,
        "work_pool_name": own_pools.pool_of(deployment),
        "job_variables": deployment.job_variables,
        "path": deployment.path,
        "entrypoint": deployment.entrypoint,
        "parameter_openapi_schema": deployment.parameter_openapi_schema,
    }
    if deployment.manifest_path is not None:
        body["manifest_path"] = deployment.manifest_path
    if deployment.enforce_parameter_schema is not None:
        body["enforce_parameter_schema"] = deployment.enforce_parameter_schema
    schedules = _schedules(deployment)
    if schedules is not None:
        body["schedules"] = [item.wire() for item in schedules]
    elif deployment.is_schedule_active is not None:
        body["paused"] = not deployment.is_schedule_active
    return body


def _schedules(deployment: Deployment) -> list[DeploymentSchedule] | None:
    """None: the server's are left as they are."""
    if deployment.schedule is not None:
        if deployment.schedules:
            log.info("Deployment %r has both schedule and schedules; schedule counts", deployment.full_name)
        return [DeploymentSchedule(deployment.schedule, deployment.is_schedule_active is not False)]
    return list(deployment.schedules) or None


def _queue(pool: str | None, name: str, limit: int | None) -> Errand[None]:
    """The queue of this name; its limit is set when one is given."""
    make: Call[Json] = (
        work_queues.create(pool, name) if pool else Call("POST", "/work_queues/", read_json, {"name": name}, about=f"work queue {name!r}")
    )
    try:
        queue: Json = yield make
    except ObjectAlreadyExists:
        read_it = work_queues.read(pool, name) if pool else Call("GET", path_of("work_queues", "name", name), read_json)
        queue = yield read_it
    if limit is not None and queue.get("concurrency_limit") != limit:
        yield work_queues.update(queue["id"], {"concurrency_limit": limit})


def _create_or_update(deployment: Deployment, flow_id: str, body: Json) -> Errand[str]:
    try:
        known: Json = yield deployments.read_by_name(str(deployment.flow_name), deployment.name)
    except ObjectNotFound:
        made: Json = yield deployments.create({"name": deployment.name, "flow_id": flow_id} | body)
        return made["id"]
    if "schedules" in body:
        body["schedules"] = keep_phase(body["schedules"], known.get("schedules") or [])
    yield change(known, body)
    return known["id"]
