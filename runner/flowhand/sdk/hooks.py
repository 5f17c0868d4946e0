"""Hooks of a flow: functions of (flow, flow run, state) that are called when a run begins or has ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flowhand.sdk.dual import run_plain
from flowhand.sdk.run_logging import logger_of
from flowhand.wire.states import StateType

if TYPE_CHECKING:
    from flowhand.sdk.attempt import Attempt
    from flowhand.sdk.flow import Flow
    from flowhand.sdk.states import State

Hook = Callable[..., Any]


def hooks_for(flow: Flow[..., Any], state: State) -> list[Hook]:
    """The hooks that a state calls for."""
    match state.type:
        case StateType.RUNNING:
            return flow.on_running_hooks
        case StateType.COMPLETED:
            return flow.on_completion_hooks
        case StateType.FAILED:
            return flow.on_failure_hooks
        case StateType.CRASHED:
            return flow.on_crashed_hooks
        case StateType.CANCELLED | StateType.CANCELLING:
            return flow.on_cancellation_hooks
        case _:
            return []


def call_hook(hook: Hook, attempt: Attempt) -> None:
    """Calls one hook, an async one on a loop of its own. What it raises is logged and changes nothing about the run."""
    try:
        answer = hook(attempt.flow, attempt.run.flow_run, attempt.state)
        if hasattr(answer, "__await__"):
            run_plain(_await(answer))
    except (Exception, SystemExit):  # noqa: BLE001  # user code meets ours
        _failed(hook, attempt)


async def await_hook(hook: Hook, attempt: Attempt) -> None:
    """The same on the running loop."""
    try:
        answer = hook(attempt.flow, attempt.run.flow_run, attempt.state)
        if hasattr(answer, "__await__"):
            await answer
    except (Exception, SystemExit):  # noqa: BLE001  # user code meets ours
        _failed(hook, attempt)


async def _await(answer: Any) -> Any:
    return await answer


def _failed(hook: Hook, attempt: Attempt) -> None:
    name = getattr(hook, "__name__", None) or type(hook).__name__
    logger_of(attempt.run).exception("Hook %r failed; the run stays %s", name, attempt.state.name)
