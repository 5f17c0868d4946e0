"""Runs of older deployments: blocks say where their code is and, in pools of agents, how they are executed.

The journal holds such a run as it was claimed; the blocks are asked for when it starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flowhand.client import blocks
from flowhand.client.call import Errand, Json
from flowhand.daemon.containers import IN_CONTAINER, KIND
from flowhand.daemon.references import Ask
from flowhand.errors import ApiError, FlowhandError, LaunchError
from flowhand.wire.runner import ClaimedRun, DeploymentBrief

PULL: Final = "prefect.deployments.steps.pull_with_block"
OUR_TYPES: Final = ("process", IN_CONTAINER)
"""What workers of these pools execute."""


async def as_blocks_say(claimed: ClaimedRun, ask: Ask) -> ClaimedRun:
    """The run with what its deployment's blocks say written out: a pull step for its storage, job variables for its infrastructure.

    Asks nobody for a deployment without. LaunchError when a block cannot be had, or wants another kind of worker.
    """
    deployment = claimed.deployment
    if deployment is None:
        return claimed
    try:
        if deployment.storage_document_id is not None and not deployment.pull_steps:
            step = await ask(_pull_step(deployment.storage_document_id, deployment.path))
            claimed = _with(claimed, deployment.model_copy(update={"pull_steps": [step], "path": None}))
        if deployment.infrastructure_document_id is not None:
            variables = await ask(_variables(deployment.infrastructure_document_id, deployment))
            claimed = claimed.model_copy(update={"job": _under(variables, claimed.job)})
    except ApiError as error:
        raise LaunchError(f"a block of deployment {deployment.name!r} cannot be had: {error}") from error
    return claimed


def _with(claimed: ClaimedRun, deployment: DeploymentBrief) -> ClaimedRun:
    return claimed.model_copy(update={"deployment": deployment})


def _pull_step(document_id: str, path: str | None) -> Errand[Json]:
    document: Json = yield blocks.read_by_id(document_id)
    inputs = {"block_type_slug": document["block_type"]["slug"], "block_document_name": document["name"]}
    return {PULL: inputs | ({"from_path": path} if path else {})}


def _variables(document_id: str, deployment: DeploymentBrief) -> Errand[dict[str, Any]]:
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
    return {**block.job_variables(), KIND: block.pool_type}


def _under(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """A block's fields below the job variables; `env` is merged key by key."""
    env = {**(below.get("env") or {}), **(above.get("env") or {})}
    return {**below, **above} | ({"env": env} if env else {})
