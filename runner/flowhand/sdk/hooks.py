"""Calling hooks: functions of (flow or task, its run, state), when a run begins or has ended."""

from __future__ import annotations

from typing import Any

from flowhand.sdk.attempt import Attempt
from flowhand.sdk.dual import run_plain
from flowhand.sdk.run_logging import logger_of
from flowhand.sdk.runnable import Hook


def call_hook(hook: Hook, attempt: Attempt) -> None:
    """Calls one hook, an async one on a loop of its own. What it raises is logged and changes nothing about the run."""
    try:
        answer = hook(attempt.what, attempt.subject, attempt.state)
        if hasattr(answer, "__await__"):
            run_plain(_await(answer))
    except (Exception, SystemExit):  # noqa: BLE001  # user code meets ours
        _failed(hook, attempt)


async def await_hook(hook: Hook, attempt: Attempt) -> None:
    """The same on the running loop."""
    try:
        answer = hook(attempt.what, attempt.subject, attempt.state)
        if hasattr(answer, "__await__"):
            await answer
    except (Exception, SystemExit):  # noqa: BLE001  # user code meets ours
        _failed(hook, attempt)


async def _await(answer: Any) -> Any:
    return await answer


def _failed(hook: Hook, attempt: Attempt) -> None:
    name = getattr(hook, "__name__", None) or type(hook).__name__
    logger_of(attempt.run).exception("Hook %r failed; the run stays %s", name, attempt.state.name)
