"""Older deployments that name no work pool: which pool is theirs, and what their infrastructure block says there.

Workers of the agents' pool read the block when a run starts (docs/adr/0026-older-deployments-become-jobs-where-a-run-starts.md). A
KubernetesJob block stands for a pool of its own type, whose workers know job variables only: there its fields are the lowest of those.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from flowhand.blocks import errands
from flowhand.blocks.documents import document_id_of
from flowhand.blocks.infrastructure import Infrastructure, KubernetesJob
from flowhand.client import work_pools
from flowhand.client.call import Errand, Json
from flowhand.deployments.applying import START_COMMAND
from flowhand.errors import DeploymentApplyError, ObjectAlreadyExists, ObjectNotFound
from flowhand.wire.pool_types import AGENT_POOL

if TYPE_CHECKING:
    from flowhand.deployments.deployment import Deployment


def pool_of(deployment: Deployment) -> str:
    """The work pool that the deployment names, or the one of its infrastructure block."""
    return deployment.work_pool_name or getattr(deployment.infrastructure, "own_pool", None) or AGENT_POOL


def own_pool_of(deployment: Deployment) -> str | None:
    """The pool that has to be made for the block's sake; None where the server makes it, or the deployment names one."""
    pool = pool_of(deployment)
    return pool if pool not in (deployment.work_pool_name, AGENT_POOL) else None


def ensure(deployment: Deployment) -> Errand[None]:
    """Makes that pool, of the block's type, where it is missing. DeploymentApplyError when it is of another type."""
    name, block = own_pool_of(deployment), deployment.infrastructure
    if name is None:
        return
    try:
        pool: Json = yield work_pools.read(name)
    except ObjectNotFound:
        pool = yield from _made(name, block.pool_type)
    if pool["type"] != block.pool_type:
        raise DeploymentApplyError(
            f"deployment {deployment.full_name!r} has a {type(block).__name__} block and no work pool; work pool {name!r}, which would be "
            f"its own, is of type {pool['type']!r}: give the deployment a work_pool_name"
        )


def _made(name: str, kind: str) -> Errand[Json]:
    template = (yield from work_pools.templates()).get(kind)
    try:
        return (yield work_pools.create(name, kind, base_job_template=template))
    except ObjectAlreadyExists:  # somebody was faster
        return (yield work_pools.read(name))


def with_saved_cluster(block: Any) -> Errand[Any]:
    """The block, or a copy of it whose cluster is saved anonymously: job variables refer to it, and hold no secret."""
    if not isinstance(block, KubernetesJob) or block.cluster_config is None or document_id_of(block.cluster_config) is not None:
        return block
    cluster = block.cluster_config.model_copy()
    yield from errands.save(cluster, is_anonymous=True)
    return block.model_copy(update={"cluster_config": cluster})


def variables_with(block: Any, variables: Mapping[str, Any]) -> dict[str, Any]:
    """A deployment's job variables over those of its block."""
    return {"command": START_COMMAND} | cast("Infrastructure", block).under(_nested(variables))


def variables_without(block: Any, variables: Mapping[str, Any]) -> dict[str, Any]:
    """What `variables_with` was given: less what the block says all the same."""
    below = variables_with(block, {})
    kept = {name: value for name, value in variables.items() if name not in below or below[name] != value}
    if isinstance(kept.get("env"), Mapping):
        env = below.get("env") or {}
        kept["env"] = {name: value for name, value in kept["env"].items() if name not in env or env[name] != value}
    return kept


def _nested(variables: Mapping[str, Any]) -> dict[str, Any]:
    """`env.NAME` as a part of `env`: other workers than ours know no dotted keys."""
    nested = {name: value for name, value in variables.items() if not name.startswith("env.")}
    dotted = {name.removeprefix("env."): value for name, value in variables.items() if name.startswith("env.")}
    return nested | {"env": {**dotted, **(nested.get("env") or {})}} if dotted else nested
