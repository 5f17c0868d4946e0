"""One execution of a body, a flow's or a task's, plain or async: inside its run, under its deadline, to a state. Knows no retries."""

from __future__ import annotations

import inspect
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from flowhand.sdk.context import RunContext, enter, leave
from flowhand.sdk.flow_run import FlowRun
from flowhand.sdk.interrupts import async_deadline, deadline
from flowhand.sdk.run_logging import catch_prints
from flowhand.sdk.runnable import Runnable
from flowhand.sdk.states import Running, State
from flowhand.sdk.task_run import TaskRun
from flowhand.sdk.verdict import state_of_error, state_of_value


@dataclass(slots=True, eq=False)
class Attempt:
    """What is executed, and what came of it."""

    what: Runnable[..., Any]
    run: RunContext
    arguments: inspect.BoundArguments
    value: Any = None
    error: BaseException | None = None
    state: State = field(default_factory=Running)

    @property
    def subject(self) -> FlowRun | TaskRun:
        """The run that this is an attempt of."""
        return self.run.task_run or self.run.flow_run

    def enter_state(self, state: State) -> None:
        """The attempt and its run are in this state."""
        self.state = self.subject.state = state


def execute(attempt: Attempt) -> Attempt:
    """Runs a plain body to its end. Raises nothing: what it raised is `attempt.error`."""
    what = attempt.what
    with _recorded(attempt), deadline(what.timeout_seconds):
        attempt.value = what.fn(*attempt.arguments.args, **attempt.arguments.kwargs)
        if what.is_generator:
            attempt.value = list(attempt.value)
        attempt.run.wait_for_tasks()
    return attempt


async def execute_async(attempt: Attempt) -> Attempt:
    """Runs an async body to its end on the running loop. Raises nothing: a cancellation of its task is `attempt.error` as well."""
    what = attempt.what
    with _recorded(attempt):
        async with async_deadline(what.timeout_seconds):
            result = what.fn(*attempt.arguments.args, **attempt.arguments.kwargs)
            attempt.value = [item async for item in result] if what.is_generator else await result
            await attempt.run.wait_for_tasks_async()
    return attempt


@contextmanager
def _recorded(attempt: Attempt) -> Generator[None, None, None]:
    """The block is the run's; how it ends becomes the attempt's state."""
    if attempt.run.log_prints:
        catch_prints()
    token = enter(attempt.run)
    try:
        yield
        attempt.enter_state(state_of_value(attempt.value))
    except BaseException as error:  # noqa: BLE001  # user code meets ours: whatever ends it becomes a state
        attempt.error = error.with_traceback(_users(error.__traceback__))
        attempt.enter_state(state_of_error(error, attempt.what.kind))
    finally:
        attempt.run.close(broken_off=attempt.error is not None)
        leave(token)


def _users(trace: TracebackType | None) -> TracebackType | None:
    """The traceback from the first frame that is the author's own."""
    while trace is not None and trace.tb_frame.f_globals is globals():
        trace = trace.tb_next
    return trace
