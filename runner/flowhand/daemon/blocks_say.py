"""Runs of older deployments: blocks say where their code is and, in pools of agents, how they are executed.

The journal holds such a run as it was claimed; the blocks are asked for when it starts.
"""

from __future__ import annotations

from typing import Any, Final

from flowhand.client import blocks
from flowhand.client.call import Errand, Json
from flowhand.daemon.containers import IN_CONTAINER, KIND
from flowhand.daemon.references import Ask
from flowhand.errors import ApiError, ApiUnavailable, FlowhandError, LaunchError
from flowhand.wire.runner import ClaimedRun, DeploymentBrief

PULL: Final = "prefect.deployments.steps.pull_with_block"
OUR_TYPES: Final = ("process", IN_CONTAINER)
"""What workers of these pools execute."""


async def with_storage(claimed: ClaimedRun, ask: Ask) -> ClaimedRun:
    """The run with a pull step for its deployment's storage block, when code comes from one.

    Asks nobody for a deployment without. LaunchError when the block cannot be had, ApiUnavailable while the API is away.
    """
    deployment = claimed.deployment
    if deployment is None or deployment.storage_document_id is None or deployment.pull_steps:
        return claimed
    step = await _asked(ask, _pull_step(deployment.storage_document_id, deployment.path), deployment)
    return claimed.model_copy(update={"deployment": deployment.model_copy(update={"pull_steps": [step], "path": None})})


async def over_infrastructure(config: dict[str, Any], claimed: ClaimedRun, ask: Ask) -> dict[str, Any]:
    """The job configuration over the fields of the deployment's infrastructure block, where the pool leaves the execution to that.

    Its references are resolved already: what a block holds is no template (docs/adr/0023-references-are-resolved-where-a-run-starts.md).
    LaunchError when the block cannot be had, or wants another kind of worker.
    """
    deployment = claimed.deployment
    if deployment is None or deployment.infrastructure_document_id is None:
        return config
    return await _asked(ask, _over_block(config, deployment.infrastructure_document_id, deployment), deployment)


async def _asked(ask: Ask, errand: Errand[Any], deployment: DeploymentBrief) -> Any:
    try:
        return await ask(errand)
    except ApiUnavailable:
        raise
    except ApiError as error:
        raise LaunchError(f"a block of deployment {deployment.name!r} cannot be had: {error}") from error


def _pull_step(document_id: str, path: str | None) -> Errand[Json]:
    document: Json = yield blocks.read_by_id(document_id)
    inputs = {"block_type_slug": document["block_type"]["slug"], "block_document_name": document["name"]}
    return {PULL: inputs | ({"from_path": path} if path else {})}


def _over_block(config: dict[str, Any], document_id: str, deployment: DeploymentBrief) -> Errand[dict[str, Any]]:
    document: Json = yield blocks.read_by_id(document_id, secrets=True)
    # here: few deployments have such blocks, and a daemon without them stays as small as it is
    from flowhand.blocks.block import Block
    from flowhand.blocks.documents import block_of
    from flowhand.blocks.infrastructure import Infrastructure

    slug = document["block_type"]["slug"]
    try:
        block = block_of(document, Block)
    except FlowhandError as error:
        raise LaunchError(f"the infrastructure block of deployment {deployment.name!r} cannot be read: {error}") from error
    if not isinstance(block, Infrastructure):
        raise LaunchError(f"deployment {deployment.name!r} has a {slug} block as its infrastructure, which no worker here can execute")
    if block.pool_type not in OUR_TYPES:
        raise LaunchError(
            f"deployment {deployment.name!r} wants its runs executed by a {slug} block, and workers of this pool execute processes and "
            f"containers; give it a work pool of type {block.pool_type} with the block's fields as its job variables"
        )
    return {KIND: block.pool_type, **block.under(config)}
