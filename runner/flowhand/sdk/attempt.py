"""One execution of a flow's body, plain or async: inside its run, under its deadline, to a state. Knows neither retries nor the API."""

from __future__ import annotations

import inspect
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any

from flowhand.sdk.context import RunContext, enter, leave
from flowhand.sdk.interrupts import async_deadline, deadline
from flowhand.sdk.run_logging import catch_prints
from flowhand.sdk.states import Running, State
from flowhand.sdk.verdict import state_of_error, state_of_value

if TYPE_CHECKING:
    from flowhand.sdk.flow import Flow


@dataclass(slots=True, eq=False)
class Attempt:
    """What is executed, and what came of it."""

    flow: Flow[..., Any]
    run: RunContext
    arguments: inspect.BoundArguments
    value: Any = None
    error: BaseException | None = None
    state: State = field(default_factory=Running)


def execute(attempt: Attempt) -> Attempt:
    """Runs a plain flow to its end. Raises nothing: what it raised is `attempt.error`."""
    flow = attempt.flow
    with _recorded(attempt), deadline(flow.timeout_seconds):
        attempt.value = flow.fn(*attempt.arguments.args, **attempt.arguments.kwargs)
        if flow.is_generator:
            attempt.value = list(attempt.value)
    return attempt


async def execute_async(attempt: Attempt) -> Attempt:
    """Runs an async flow to its end on the running loop. Raises nothing, but for the cancellation of the task it runs in."""
    flow = attempt.flow
    with _recorded(attempt):
        async with async_deadline(flow.timeout_seconds):
            result = flow.fn(*attempt.arguments.args, **attempt.arguments.kwargs)
            attempt.value = [item async for item in result] if flow.is_generator else await result
    return attempt


@contextmanager
def _recorded(attempt: Attempt) -> Generator[None, None, None]:
    """The block is the run's; how it ends becomes the attempt's state."""
    if attempt.run.log_prints:
        catch_prints()
    token = enter(attempt.run)
    try:
        yield
        attempt.state = state_of_value(attempt.value)
    except BaseException as error:  # noqa: BLE001  # user code meets ours: whatever ends a flow becomes a state
        attempt.error = error.with_traceback(_users(error.__traceback__))
        attempt.state = state_of_error(error)
    finally:
        leave(token)


def _users(trace: TracebackType | None) -> TracebackType | None:
    """The traceback from the first frame that is the flow's own."""
    while trace is not None and trace.tb_frame.f_globals is globals():
        trace = trace.tb_next
    return trace
