"""serve(): a runner in the foreground for the deployments of one script."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import anyio

from flowhand.client import deployments as deployments_api
from flowhand.client.connect import open_async
from flowhand.daemon.options import ServeOptions
from flowhand.daemon.program import first_of, loop_options, plan_serve, run_async
from flowhand.deployments.served_code import ServedCode
from flowhand.errors import ApiError, FlowhandError
from flowhand.sdk.dual import on_a_loop
from flowhand.settings import Settings, load
from flowhand.telemetry import configure


class Served(Protocol):
    """What `serve` needs of a deployment (`flowhand.deployments.RunnerDeployment`)."""

    name: str
    storage: Any
    """Where its code comes from (`flowhand.deployments.sources.Storage`); None: from the script's own folder."""
    pause_is_given: bool

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
    `query_seconds` is the period of plain polls where no long poll can be held, `webserver` serves health and metrics on
    `FLOWHAND_WORKER_WEBSERVER_PORT`, `pause_on_shutdown` pauses the schedules of what was served when it leaves, and has them go on at the
    next start. Code that comes from a source is pulled first, then at the source's `pull_interval`. Blocks in plain code; awaited on a
    running loop.

    ValueError for no deployments or two of one name; PullStepFailed when a source cannot be pulled.
    """
    _check(deployments)
    options = partial(ServeOptions, name=_script(), limit=limit, poll_s=query_seconds, webserver=webserver)
    work = partial(_serve, deployments, options, print_starting_message, pause_on_shutdown)
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


async def _serve(deployments: tuple[Served, ...], options: partial[ServeOptions], message: bool, pause_on_shutdown: bool) -> None:
    settings = load()
    configure(settings.log_level, settings.log_format)
    code = ServedCode(_code_folder(settings), [item.storage for item in deployments if item.storage is not None])
    await code.pull()
    for item in deployments:
        item.pause_is_given = item.pause_is_given or pause_on_shutdown  # what paused it may have been the last shutdown
    ids = [str(await item.apply()) for item in deployments]
    plan = plan_serve(options(deployments=ids), load(storage_base_path=str(code.base)) if code else settings)

    async def ready() -> None:
        if message:
            sys.stderr.write(starting_message(deployments, settings))
            sys.stderr.flush()

    await _run(partial(run_async, plan, ready), code)
    if pause_on_shutdown:
        await _pause(ids, settings)


async def _run(daemon: Callable[[], Awaitable[None]], code: ServedCode) -> None:
    """Runs the daemon to its end, the code kept fresh beside it."""
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(code.keep_fresh)
            await daemon()
            group.cancel_scope.cancel()
    except* FlowhandError as errors:
        raise first_of(errors) from None


def _code_folder(settings: Settings) -> Path:
    """Where the code of this script's sources is, the same at each start."""
    name = hashlib.blake2b(f"{Path.cwd()} {_script()}".encode(), digest_size=8).hexdigest()
    return settings.home / "served" / name


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
