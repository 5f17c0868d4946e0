"""The course of a run in this process: tries, pauses between them, hooks. Written once, as a generator of steps; the plain and the async
driver differ in how they perform a step."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from flowhand.errors import FlowTimeout
from flowhand.sdk.attempt import Attempt, execute, execute_async
from flowhand.sdk.context import process
from flowhand.sdk.hooks import await_hook, call_hook
from flowhand.sdk.interrupts import Interruption
from flowhand.sdk.run_logging import logger_of
from flowhand.sdk.runnable import Hook
from flowhand.sdk.states import Running, State
from flowhand.sdk.verdict import state_of_error
from flowhand.wire.states import StateName, StateType


class Upstream(Protocol):
    """Something that has to have ended first."""

    def wait(self, timeout: float | None = None) -> Any:
        """Blocks until it has."""
        ...

    async def wait_async(self) -> None:
        """The same on a loop."""
        ...


@dataclass(frozen=True, slots=True)
class Wait:
    """A pause, in seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class After:
    """Nothing before that has ended."""

    upstream: Upstream


@dataclass(frozen=True, slots=True)
class Execute:
    """The body is executed once."""


EXECUTE: Final = Execute()
Step = Wait | After | Execute | Hook
Course = Generator[Step, None, None]


def course(attempt: Attempt) -> Course:
    """Tries until it works or no try is left, then the hooks of the end."""
    what, run = attempt.what, attempt.subject
    reporter = attempt.run.reporter if attempt.run.task_run is None else None
    log = logger_of(attempt.run)
    while True:
        run.run_count += 1
        attempt.value = attempt.error = None
        enter(attempt, Running(name=StateName.RETRYING if attempt.run.task_run and run.run_count > 1 else StateName.RUNNING))
        if reporter is not None:
            reporter.began(attempt)
        yield from what.hooks_for(attempt.state)
        yield EXECUTE
        if reporter is not None:
            reporter.left(attempt)
        if isinstance(attempt.error, Exception):
            log.error("%s", attempt.state.message, exc_info=None if isinstance(attempt.error, FlowTimeout) else attempt.error)
        if not what.wants_retry(run, attempt.state):
            break
        if reporter is not None:
            reporter.failed(attempt)
        delay = what.retry_delay(run.run_count)
        log.info("Trying again in %g s (%d of %d)", delay, run.run_count, what.retries)
        enter(attempt, State(type=StateType.SCHEDULED, name=StateName.AWAITING_RETRY))
        yield Wait(delay)
    announce(attempt)
    yield from what.hooks_for(attempt.state)


def enter(attempt: Attempt, state: State) -> None:
    """The run is in this state, and whoever reports it knows."""
    attempt.enter_state(state)
    announce(attempt)


def announce(attempt: Attempt) -> None:
    """Tells of the state of a task's run: to its flow run's reporter, or to what executes it."""
    task_run, reporter = attempt.run.task_run, attempt.run.reporter
    if task_run is not None and reporter is not None:
        reporter.task(task_run)
    elif task_run is not None and process.announce is not None:
        process.announce(task_run)


def drive(attempt: Attempt, steps: Iterable[Step]) -> None:
    """Performs the steps, blocking."""
    for step in steps:
        match step:
            case Wait(seconds):
                if not attempt.run.pause(seconds):
                    _give_up(attempt)
                    return
            case After(upstream):
                upstream.wait()
            case Execute():
                execute(attempt)
            case hook:
                call_hook(hook, attempt)


async def drive_async(attempt: Attempt, steps: Iterable[Step]) -> None:
    """Performs the steps on the running loop."""
    for step in steps:
        match step:
            case Wait(seconds):
                if not await attempt.run.pause_async(seconds):
                    _give_up(attempt)
                    return
            case After(upstream):
                await upstream.wait_async()
            case Execute():
                await execute_async(attempt)
            case hook:
                await await_hook(hook, attempt)


def _give_up(attempt: Attempt) -> None:
    """The flow run that the task belongs to has ended: it is not tried again, nor does its caller go on."""
    attempt.error = Interruption()
    enter(attempt, state_of_error(attempt.error, attempt.what.kind))


def answer(attempt: Attempt, return_state: bool) -> Any:
    """What the caller gets: the value or the error; with `return_state` the state, unless something from outside ended the run."""
    error = attempt.error
    if error is not None and not (return_state and isinstance(error, Exception)):
        raise error
    return attempt.state if return_state else attempt.state.result()
