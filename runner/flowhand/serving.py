"""serve(): a runner in the foreground for the deployments of one script."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import anyio

from flowhand.client import deployments as deployments_api
from flowhand.client.connect import open_async
from flowhand.daemon.options import ServeOptions
from flowhand.daemon.program import loop_options, plan_serve, run_async
from flowhand.errors import ApiError
from flowhand.sdk.dual import on_a_loop
from flowhand.settings import Settings, load
from flowhand.telemetry import configure


class Served(Protocol):
    """What `serve` needs of a deployment (`flowhand.deployments.RunnerDeployment`)."""

    name: str

    @property
    def full_name(self) -> str:
        """`flow/deployment`."""
        ...

    def apply(self) -> Any:
        """Registers it; the id, or an awaitable of it on a running loop."""
        ...


def serve(
    *deployments: Served,
    pause_on_shutdown: bool = False,
    print_starting_message: bool = True,
    limit: int | None = None,
    query_seconds: float | None = None,
    webserver: bool = False,
) -> Coroutine[Any, Any, None] | None:
    """Registers the deployments and executes their due runs, each in a process of its own, until SIGTERM or SIGINT; then drains.

    With no API configured the embedded server is brought up. `limit` bounds the runs at once (None: from the machine's cores and memory),
    `query_seconds` is the period of plain polls where no long poll can be held, `webserver` serves health and metrics on port 8080,
    `pause_on_shutdown` pauses the schedules of what was served when it leaves. Blocks in plain code; awaited on a running loop.
    ValueError for no deployments or two of one name.
    """
    _check(deployments)
    options = partial(
        ServeOptions, name=_script(), limit=limit, poll_s=query_seconds, webserver=webserver, pause_on_shutdown=pause_on_shutdown
    )
    work = partial(_serve, deployments, options, print_starting_message)
    if on_a_loop():
        return work()
    anyio.run(work, backend_options=loop_options())
    return None


def _check(deployments: tuple[Served, ...]) -> None:
    if not deployments:
        raise ValueError("serve() needs at least one deployment; make one with my_flow.to_deployment(name=...)")
    twice = [name for name, count in Counter(item.full_name for item in deployments).items() if count > 1]
    if twice:
        raise ValueError(f"serve() was given two deployments named {twice[0]!r}; give one of them another name")


async def _serve(deployments: tuple[Served, ...], options: partial[ServeOptions], message: bool) -> None:
    settings = load()
    configure(settings.log_level, settings.log_format)
    ids = [str(await item.apply()) for item in deployments]
    chosen = options(deployments=ids)
    plan = plan_serve(chosen, settings)

    async def ready() -> None:
        if message:
            sys.stderr.write(starting_message(deployments, settings))
            sys.stderr.flush()

    await run_async(plan, ready)
    if chosen.pause_on_shutdown:
        await _pause(ids, settings)


async def _pause(ids: list[str], settings: Settings) -> None:
    async with await open_async(settings, patience_s=5.0) as client:
        for deployment_id in ids:
            try:
                await client.send(deployments_api.update(deployment_id, {"paused": True}))
            except ApiError as error:
                sys.stderr.write(f"The schedules of deployment {deployment_id} could not be paused: {error}\n")


def starting_message(deployments: tuple[Served, ...], settings: Settings) -> str:
    """What is served and how to run one."""
    names = "".join(f"  - {item.full_name}\n" for item in deployments)
    where = f"\nLook at them: {settings.ui}/deployments\n" if settings.ui else ""
    return (
        f"\nServing {len(deployments)} deployment(s), waiting for runs:\n{names}\n"
        f"Run one from another terminal:\n  flowhand deployment run '{deployments[0].full_name}' --watch\n{where}\nCtrl-C to stop.\n\n"
    )


def _script() -> str:
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(main).stem if main else "serve"
