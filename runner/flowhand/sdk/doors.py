"""Doors to the rooms above: the one place where the SDK names what is built on it, resolved on the first call.

`from flowhand import flow, serve` stays cheap because nothing behind these doors is loaded before somebody walks through.
"""

from __future__ import annotations

import inspect
from importlib import import_module
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from flowhand.sdk.context import process
from flowhand.sdk.dual import called_from_coroutine, run_plain

if TYPE_CHECKING:
    from flowhand.deployments.runner_deployment import RunnerDeployment as RunnerDeployment
    from flowhand.deployments.sources import Storage as Storage
    from flowhand.sdk.attempt import Attempt
    from flowhand.sdk.flow import Flow
    from flowhand.sdk.reporter import Reporter

_SERVING: Final = frozenset({"pause_on_shutdown", "print_starting_message", "limit", "query_seconds", "webserver"})


def _behind(module: str, name: str) -> Any:
    return getattr(import_module(module), name)


def reporter_of(attempt: Attempt) -> Reporter | None:
    """Who tells the API of a run that is called here and now: None when there is no API."""
    if process.run is not None and process.run.api_file is None:
        return None
    return _behind("flowhand.adhoc.reporting", "reporter_of")(attempt)


async def reporter_of_async(attempt: Attempt) -> Reporter | None:
    """The same without holding up the loop."""
    if process.run is not None and process.run.api_file is None:
        return None
    import asyncio  # loaded by whoever runs a loop; plain flows never pay for it

    try:
        return await asyncio.to_thread(reporter_of, attempt)
    except asyncio.CancelledError as error:
        attempt.error = error  # before the reporter is looked at: the thread, which goes on, has it first and looks for an error then
        if attempt.run.reporter is not None:
            attempt.run.reporter.given_up(attempt)
        raise


async def to_deployment(flow: Flow[..., Any], name: str, **options: Any) -> RunnerDeployment:
    """`RunnerDeployment.from_flow`."""
    return _behind("flowhand.deployments.runner_deployment", "made_of")(flow, name, options)


async def deploy_flow(flow: Flow[..., Any], name: str, **options: Any) -> str:
    """`flow.deploy`: one deployment, its id."""
    return await _behind("flowhand.deployments.deploying", "deploy_flow")(flow, name, **options)


def deploy(*deployments: RunnerDeployment, **options: Any) -> Any:
    """Creates or updates deployments for a work pool; answers the ids of those applied. See `flowhand.deployments.deploying.deploy_all`."""
    work = _behind("flowhand.deployments.deploying", "deploy_all")(*deployments, **options)
    return work if called_from_coroutine(inspect.currentframe()) else run_plain(work)


def run_deployment(name: str, **options: Any) -> Any:
    """Creates a run of a deployment and waits for its end. See `flowhand.deployments.running.run`."""
    work = _behind("flowhand.deployments.running", "run")(name, **options)
    return work if called_from_coroutine(inspect.currentframe()) else run_plain(work)


def from_source(source: Any, entrypoint: str, frame: FrameType | None) -> Any:
    """A flow whose code comes from `source`. See `flowhand.deployments.sources.flow_from_source`."""
    work = _behind("flowhand.deployments.sources", "flow_from_source")(source, entrypoint)
    return work if called_from_coroutine(frame) else run_plain(work)


def serve(*deployments: RunnerDeployment, **options: Any) -> Any:
    """Registers the deployments and runs what falls due of them, in the foreground, until it is stopped.

    `pause_on_shutdown=False, print_starting_message=True, limit=None, query_seconds=None, webserver=False`: see `flowhand.serving.serve`.
    """
    if _loading():
        return None
    return _behind("flowhand.serving", "serve")(*deployments, **options)


def serve_flow(flow: Flow[..., Any], name: str | None, **options: Any) -> Any:
    """`flow.serve`: one deployment, served; options that are not `serve`'s are the deployment's. Its name is the flow's unless given."""
    if _loading():
        return None
    serving = {option: options.pop(option) for option in _SERVING & options.keys()}
    deployment = _behind("flowhand.deployments.runner_deployment", "made_of")(flow, name or flow.name, options)
    return _behind("flowhand.serving", "serve")(deployment, **serving)


def _loading() -> bool:
    """A module that serves without `if __name__ == "__main__":` is also loaded for each of its runs, which must not serve again."""
    if process.loading is None:
        return False
    import warnings  # on this path only

    warnings.warn(
        f'serve() is ignored while {process.loading} is loaded for a run; call it under `if __name__ == "__main__":`', stacklevel=4
    )
    return True
