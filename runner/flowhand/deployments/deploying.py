"""deploy(): several deployments for one work pool."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from flowhand.client import work_pools
from flowhand.client.call import Errand, Json
from flowhand.deployments.api import api_settings, perform
from flowhand.deployments.applying import apply_deployment
from flowhand.deployments.runner_deployment import RunnerDeployment
from flowhand.errors import DeploymentApplyError, ObjectNotFound
from flowhand.sdk.flow import Flow


async def deploy_flow(flow: Flow[..., Any], name: str, **options: Any) -> str:
    """`flow.deploy`: one deployment, its id. Options of `deploy` are its own, the rest are the deployment's."""
    own = {option: options.pop(option) for option in ("image", "build", "push", "print_next_steps") & options.keys()}
    if "print_next_steps" in own:
        own["print_next_steps_message"] = own.pop("print_next_steps")
    pool = options.pop("work_pool_name", None)
    made = RunnerDeployment.from_flow(flow, name, **options)
    return (await deploy_all(made, work_pool_name=pool, **own))[0]


async def deploy_all(
    *deployments: RunnerDeployment,
    work_pool_name: str | None = None,
    image: str | None = None,
    build: bool = True,
    push: bool = True,
    print_next_steps_message: bool = True,
) -> list[str]:
    """Creates or updates the deployments, one by one, and answers the ids of those applied, in order.

    ValueError for no deployments, a pool that does not exist, or code that no worker could get at. One failing among several does not stop
    the others; a single one raises DeploymentApplyError.
    """
    if not deployments:
        raise ValueError("deploy() needs at least one deployment; make one with my_flow.to_deployment(name=...)")
    pool = work_pool_name or api_settings().default_work_pool
    if not pool:
        raise ValueError("deploy() needs a work pool: give work_pool_name, or set FLOWHAND_DEFAULT_WORK_POOL")
    found = await perform(_pool(pool))
    _check_code(deployments, found, image, build=build)
    ids, failures = await _apply_each(deployments, pool, image)
    if failures and len(deployments) == 1:
        raise next(iter(failures.values()))
    _report(deployments, failures)
    if ids and print_next_steps_message:
        _print_next_steps(deployments, pool)
    return ids


def _pool(name: str) -> Errand[Json]:
    try:
        return (yield work_pools.read(name))
    except ObjectNotFound:
        raise ValueError(f"there is no work pool {name!r}; make it with `flowhand work-pool create {name} --type process`") from None


def _check_code(deployments: tuple[RunnerDeployment, ...], pool: Json, image: str | None, *, build: bool) -> None:
    if image is None:
        without = [item.full_name for item in deployments if item.storage is None]
        if without:
            raise ValueError(
                f"workers could not get at the code of {', '.join(without)}: give an image, or make the flow with "
                "flow.from_source(<folder>, entrypoint=...)"
            )
        return
    if build:
        raise ValueError("images are not built here; build and push it, then deploy with build=False")
    variables = (pool.get("base_job_template") or {}).get("variables", {}).get("properties", {})
    if "image" not in variables:
        raise ValueError(
            f"work pool {pool['name']!r} (type {pool['type']}) has no variable 'image'; deploy to a pool that starts containers"
        )


async def _apply_each(
    deployments: tuple[RunnerDeployment, ...], pool: str, image: str | None
) -> tuple[list[str], dict[str, DeploymentApplyError]]:
    ids: list[str] = []
    failures: dict[str, DeploymentApplyError] = {}
    for item in deployments:
        try:
            ids.append(await apply_deployment(item, pool, image))
        except DeploymentApplyError as error:
            failures[item.full_name] = error
    return ids, failures


def _report(deployments: tuple[RunnerDeployment, ...], failures: dict[str, DeploymentApplyError]) -> None:
    console = Console(file=sys.stdout)
    table = Table("Name", "Status", "Details", title="Deployments", title_justify="left")
    for item in deployments:
        error = failures.get(item.full_name)
        table.add_row(item.full_name, "[red]failed[/]" if error else "[green]applied[/]", str(error or ""))
    console.print("Some deployments failed." if failures else "All deployments were applied.")
    console.print(table)


def _print_next_steps(deployments: tuple[RunnerDeployment, ...], pool: str) -> None:
    console = Console(file=sys.stdout)
    console.print(f"\nTo execute their runs, start a worker: [blue]worker start --pool {pool!r}[/]", highlight=False)
    name = f" '{deployments[0].full_name}'" if len(deployments) == 1 else " [NAME]"
    console.print(f"To run one now: [blue]flowhand deployment run{name}[/]", highlight=False, markup=len(deployments) == 1)
    address = api_settings().ui
    if address:
        console.print(f"To look at them: {address}/deployments", highlight=False)
