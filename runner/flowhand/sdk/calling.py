"""Calling a flow: here and now, in this process, as a run of its own.

What a call does is written once, as a generator of steps; the plain and the async driver differ in how they perform a step.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flowhand.errors import FlowTimeout
from flowhand.sdk.attempt import Attempt, execute, execute_async
from flowhand.sdk.context import RunContext, current_run, process
from flowhand.sdk.flow_run import FlowRun
from flowhand.sdk.hooks import Hook, await_hook, call_hook, hooks_for
from flowhand.sdk.parameters import as_parameters, bind, validate
from flowhand.sdk.run_logging import logger_of, show_on_console
from flowhand.sdk.run_names import random_name
from flowhand.sdk.states import Running

if TYPE_CHECKING:
    from flowhand.sdk.flow import Flow


@dataclass(frozen=True, slots=True)
class Wait:
    """A pause before the next try, in seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Execute:
    """The body is executed once."""


EXECUTE: Final = Execute()
Step = Wait | Execute | Hook


def call(flow: Flow[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], *, return_state: bool) -> Any:
    """Calls a plain flow. Raises what it raised, unless the state is asked for. A call from a module that is being loaded for another
    run is ignored, with a warning, and answers None."""
    if _loading(flow):
        return None
    attempt = _begin(flow, args, kwargs)
    for step in _course(attempt):
        match step:
            case Wait(seconds):
                time.sleep(seconds)
            case Execute():
                execute(attempt)
            case hook:
                call_hook(hook, attempt)
    return _answer(attempt, return_state)


async def call_async(flow: Flow[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], *, return_state: bool) -> Any:
    """Calls an async flow, on the running loop."""
    if _loading(flow):
        return None
    import asyncio  # loaded by whoever runs a loop; plain flows never pay for it

    attempt = _begin(flow, args, kwargs)
    for step in _course(attempt):
        match step:
            case Wait(seconds):
                await asyncio.sleep(seconds)
            case Execute():
                await execute_async(attempt)
            case hook:
                await await_hook(hook, attempt)
    return _answer(attempt, return_state)


def _loading(flow: Flow[..., Any]) -> bool:
    if process.loading is None:
        return False
    import warnings  # on this path only

    warnings.warn(
        f"flow {flow.name!r} was called while {process.loading} is loaded for a run, and is not run; "
        'call it under `if __name__ == "__main__":`',
        stacklevel=4,
    )
    return True


def _begin(flow: Flow[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Attempt:
    signature = flow.signature
    bound = bind(signature, flow.name, args, kwargs)
    if flow.should_validate_parameters:
        given = frozenset(signature.bind_partial(*args, **kwargs).arguments)
        validate(flow.name, bound, given)
    parameters = as_parameters(bound)
    parent = current_run()
    run = FlowRun(
        name=flow.run_name(parameters) or random_name(),
        flow_name=flow.name,
        parameters=parameters,
        parent_flow_run_id=parent.flow_run.id if parent else None,
        tags=list(parent.flow_run.tags) if parent else [],
        run_count=0,
    )
    log_prints = flow.log_prints if flow.log_prints is not None else bool(parent and parent.log_prints)
    return Attempt(flow, RunContext(run, flow, log_prints=log_prints, parent=parent), bound)


def _course(attempt: Attempt) -> Generator[Step, None, None]:
    show_on_console()
    flow, run = attempt.flow, attempt.run.flow_run
    log = logger_of(attempt.run)
    log.info("Beginning run %r of flow %r", run.name, flow.name)
    while True:
        run.run_count += 1
        run.state = attempt.state = Running()
        attempt.value = attempt.error = None
        yield from hooks_for(flow, attempt.state)
        yield EXECUTE
        run.state = attempt.state
        if isinstance(attempt.error, Exception):
            log.error("%s", attempt.state.message, exc_info=None if isinstance(attempt.error, FlowTimeout) else attempt.error)
        if not (attempt.state.is_failed() and run.run_count <= flow.retries):
            break
        log.info("Trying again in %g s (%d of %d)", flow.retry_delay_seconds, run.run_count, flow.retries)
        yield Wait(flow.retry_delay_seconds)
    yield from hooks_for(flow, attempt.state)
    log.log(20 if attempt.state.is_completed() else 40, "Finished in state %r", attempt.state)


def _answer(attempt: Attempt, return_state: bool) -> Any:
    error = attempt.error
    if error is not None and not (return_state and isinstance(error, Exception)):
        raise error
    return attempt.state if return_state else attempt.state.result()
