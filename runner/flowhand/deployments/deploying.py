"""deploy(): several deployments for one work pool, in an image that is built and pushed for them, or with code that workers fetch."""

from __future__ import annotations

import asyncio
import copy
from pathlib import Path
from typing import Any

from flowhand.client import work_pools
from flowhand.client.call import Errand, Json
from flowhand.deployments.api import api_settings, perform
from flowhand.deployments.applying import apply_deployment
from flowhand.deployments.deploy_report import print_next_steps, print_report, say
from flowhand.deployments.images.deployment_image import DeploymentImage
from flowhand.deployments.runner_deployment import RunnerDeployment, made_of
from flowhand.errors import DeploymentApplyError, ObjectNotFound
from flowhand.sdk.flow import Flow

Image = str | DeploymentImage


async def deploy_flow(flow: Flow[..., Any], name: str, **options: Any) -> str:
    """`flow.deploy`: one deployment, its id. Options of `deploy` are its own, the rest are the deployment's."""
    own = {option: options.pop(option) for option in ("image", "build", "push", "print_next_steps") & options.keys()}
    if "print_next_steps" in own:
        own["print_next_steps_message"] = own.pop("print_next_steps")
    pool = options.pop("work_pool_name", None)
    made = made_of(flow, name, options)
    return (await deploy_all(made, work_pool_name=pool, **own))[0]


async def deploy_all(
    *deployments: RunnerDeployment,
    work_pool_name: str | None = None,
    image: Image | None = None,
    build: bool = True,
    push: bool = True,
    print_next_steps_message: bool = True,
) -> list[str]:
    """Builds and pushes the image, creates or updates the deployments, one by one, and answers the ids of those applied, in order.

    With `build=False` the image is used as it is, and nothing is pushed. Pool and image win over those of the deployments. ValueError for
    no deployments, a pool that does not exist or has no image, or code that no worker could get at; ImageBuildError, PushError: nothing was
    applied then. One deployment failing among several does not stop the others; a single one raises DeploymentApplyError.
    """
    if not deployments:
        raise ValueError("deploy() needs at least one deployment; make one with my_flow.to_deployment(name=...)")
    pool = work_pool_name or api_settings().default_work_pool
    if not pool:
        raise ValueError("deploy() needs a work pool: give work_pool_name, or set FLOWHAND_DEFAULT_WORK_POOL")
    found = await perform(_pool(pool))
    _check_code(deployments, found, image)
    reference = await asyncio.to_thread(_provide, image, build=build, push=push) if image else None
    ids, failures = await _apply_each(deployments, pool, reference)
    if failures and len(deployments) == 1:
        raise next(iter(failures.values()))
    print_report({item.full_name: failures.get(item.full_name) for item in deployments})
    if ids and print_next_steps_message:
        print_next_steps([item.full_name for item in deployments], found, api_settings().ui)
    return ids


def _pool(name: str) -> Errand[Json]:
    try:
        return (yield work_pools.read(name))
    except ObjectNotFound:
        raise ValueError(f"there is no work pool {name!r}; make it with `flowhand work-pool create {name} --type process`") from None


def _check_code(deployments: tuple[RunnerDeployment, ...], pool: Json, image: Image | None) -> None:
    if not image:
        without = [item.full_name for item in deployments if item.storage is None]
        if without:
            raise ValueError(
                f"workers could not get at the code of {', '.join(without)}: give an image, or make the flow with "
                "flow.from_source(<folder>, entrypoint=...)"
            )
        return
    variables = (pool.get("base_job_template") or {}).get("variables", {}).get("properties", {})
    if "image" not in variables:
        raise ValueError(
            f"work pool {pool['name']!r} (type {pool['type']}) has no variable 'image'; deploy to a pool that starts containers"
        )


def _provide(image: Image, *, build: bool, push: bool) -> str:
    """Has the image built and pushed, as told; its reference."""
    if not build:
        return image if isinstance(image, str) else image.reference
    made = DeploymentImage(image) if isinstance(image, str) else image
    made.build()
    say(f"Built image {made.reference}.")
    if push:
        made.push()
        say(f"Pushed image {made.reference}.")
    return made.reference


def _as_in_image(deployment: RunnerDeployment) -> RunnerDeployment:
    """The working directory is what an image is built of: in it, it has another name."""
    if deployment.storage is not None or deployment.path != str(Path.cwd()):
        return deployment
    found = copy.copy(deployment)
    found.path = "."
    return found


async def _apply_each(
    deployments: tuple[RunnerDeployment, ...], pool: str, image: str | None
) -> tuple[list[str], dict[str, DeploymentApplyError]]:
    ids: list[str] = []
    failures: dict[str, DeploymentApplyError] = {}
    for item in deployments:
        try:
            ids.append(await apply_deployment(_as_in_image(item) if image else item, pool, image))
        except DeploymentApplyError as error:
            failures[item.full_name] = error
    return ids, failures
