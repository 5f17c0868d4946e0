"""Which run the code at hand belongs to."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flowhand.errors import MissingContextError
from flowhand.sdk.flow_run import FlowRun

if TYPE_CHECKING:
    from flowhand.sdk.flow import Flow


@dataclass(slots=True, eq=False)
class RunContext:
    """A run under way: who it is, which flow, and what it runs in."""

    flow_run: FlowRun
    flow: Flow[..., Any] | None
    log_prints: bool = False
    parent: RunContext | None = None
    api_url: str | None = None
    api_file: str | None = None
    """Where the child finds what proves it to the API."""
    calls: int = 0
    """Subflows and tasks begun so far, for their names and keys."""


_current: ContextVar[RunContext | None] = ContextVar("flowhand_run", default=None)


@dataclass(slots=True)
class _Process:
    """What holds for the whole process: its run, seen by threads that inherit no context, and whether a flow's module is being loaded."""

    run: RunContext | None = None
    loading: str | None = None
    conceal: Callable[[str], object] | None = None
    """Tells a secret to whoever redacts what leaves; returns once it is known there."""


process = _Process()


def current_run() -> RunContext | None:
    """The run that the calling code belongs to, or None."""
    return _current.get() or process.run


def require_run(what: str) -> RunContext:
    """The run that the calling code belongs to. MissingContextError when there is none."""
    run = current_run()
    if run is None:
        raise MissingContextError(f"{what} needs a run: call it inside a flow")
    return run


def enter(run: RunContext | None) -> Any:
    """Makes `run` the current one; the answer undoes it (`leave`)."""
    return _current.set(run)


def leave(token: Any) -> None:
    """Undoes `enter`. A token of another context (a generator that was finished elsewhere) is left alone."""
    try:
        _current.reset(token)
    except ValueError:
        return
