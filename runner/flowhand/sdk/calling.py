"""Calling a flow: here and now, in this process, as a run of its own, that the API knows of when there is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flowhand.sdk import doors
from flowhand.sdk.attempt import Attempt
from flowhand.sdk.context import RunContext, current_run, process
from flowhand.sdk.course import Course, answer, course, drive, drive_async
from flowhand.sdk.flow_run import FlowRun
from flowhand.sdk.parameters import as_parameters, bind, validate
from flowhand.sdk.run_logging import logger_of, show_on_console
from flowhand.sdk.run_names import random_name
from flowhand.sdk.verdict import state_of_error

if TYPE_CHECKING:
    from flowhand.sdk.flow import Flow
    from flowhand.sdk.runnable import Hook


def call(flow: Flow[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], *, return_state: bool) -> Any:
    """Calls a plain flow. Raises what it raised, unless the state is asked for. A call from a module that is being loaded for another
    run is ignored, with a warning, and answers None."""
    if _loading(flow):
        return None
    attempt = _begin(flow, args, kwargs)
    attempt.run.reporter = doors.reporter_of(attempt)
    carry_out(attempt)
    return answer(attempt, return_state)


def carry_out(attempt: Attempt) -> None:
    """Executes a plain flow's run to its end, retries included, and has it reported. Raises nothing: see `answer`."""
    try:
        drive(attempt, _told(attempt))
    except BaseException as error:  # noqa: BLE001  # an interrupt between two tries: it ends the run and is raised below
        try:
            drive(attempt, _broken_off(attempt, error))
        except BaseException as again:  # noqa: BLE001  # the hooks are cut short
            attempt.error = again
    reporter = attempt.run.reporter
    if reporter is not None:
        reporter.ended(attempt)
        reporter.settle()


async def call_async(flow: Flow[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], *, return_state: bool) -> Any:
    """Calls an async flow, on the running loop."""
    if _loading(flow):
        return None
    attempt = _begin(flow, args, kwargs)
    attempt.run.reporter = await doors.reporter_of_async(attempt)
    await carry_out_async(attempt)
    return answer(attempt, return_state)


async def carry_out_async(attempt: Attempt) -> None:
    """The same for an async flow, on the running loop."""
    import asyncio  # loaded by whoever runs a loop; plain flows never pay for it
    from concurrent.futures import ThreadPoolExecutor  # the same

    try:
        await drive_async(attempt, _told(attempt))
    except BaseException as error:  # noqa: BLE001  # cancelled between two tries: it ends the run and is raised below
        try:
            await drive_async(attempt, _broken_off(attempt, error))
        except BaseException as again:  # noqa: BLE001  # the hooks are cut short
            attempt.error = again
    reporter = attempt.run.reporter
    if reporter is not None:
        reporter.ended(attempt)
        settling = ThreadPoolExecutor(1)  # the loop's own threads may all be at work for the flow
        settled = asyncio.get_running_loop().run_in_executor(settling, reporter.settle)
        settling.shutdown(wait=False)
        await asyncio.shield(settled)


def _broken_off(attempt: Attempt, error: BaseException) -> Sequence[Hook]:
    """The run has ended by an interrupt outside of its code; the hooks of that end, unless it cut short those of another one."""
    in_hooks = attempt.state.is_final() and not attempt.what.wants_retry(attempt.subject, attempt.state)
    attempt.error = error
    attempt.enter_state(state_of_error(error))
    if attempt.run.reporter is not None:
        attempt.run.reporter.left(attempt)
    return () if in_hooks else attempt.what.hooks_for(attempt.state)


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
        parent_flow_run_id=parent.flow_run.id or None if parent else None,
        tags=list(parent.flow_run.tags) if parent else [],
        run_count=0,
    )
    log_prints = flow.log_prints if flow.log_prints is not None else bool(parent and parent.log_prints)
    about_api = (parent.api_url, parent.api_file) if parent else (None, None)
    return Attempt(flow, RunContext(run, flow, log_prints, parent, *about_api), bound)


def _told(attempt: Attempt) -> Course:
    show_on_console()
    log = logger_of(attempt.run)
    log.info("Beginning run %r of flow %r", attempt.run.flow_run.name, attempt.what.name)
    yield from course(attempt)
    log.log(20 if attempt.state.is_completed() else 40, "Finished in state %r", attempt.state)
