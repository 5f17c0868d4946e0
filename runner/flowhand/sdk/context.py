"""Which run the code at hand belongs to."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flowhand.errors import MissingContextError
from flowhand.sdk.flow_run import FlowRun
from flowhand.sdk.runnable import Runnable
from flowhand.sdk.task_pool import TaskPool
from flowhand.sdk.task_results import TaskResults
from flowhand.sdk.task_run import TaskRun

if TYPE_CHECKING:
    from flowhand.sdk.reporter import Reporter


@dataclass(slots=True, eq=False)
class RunContext:
    """A run under way: who it is, what is executed, and what it runs in. A task's has the flow run around it, or a nameless one."""

    flow_run: FlowRun
    flow: Runnable[..., Any] | None
    log_prints: bool = False
    parent: RunContext | None = None
    api_url: str | None = None
    api_file: str | None = None
    """Where the child finds what proves it to the API."""
    task_run: TaskRun | None = None
    keys: dict[str, int] = field(default_factory=dict[str, int])
    """How often each task and subflow was begun here: the source of their dynamic keys."""
    pool: TaskPool = field(default_factory=TaskPool)
    """What runs the tasks that are submitted here."""
    results: TaskResults = field(default_factory=TaskResults)
    """Which task run a value came from."""
    reporter: Reporter | None = None
    """Who tells the API of a flow run that is called here and now; None: nobody does, or the worker."""

    @property
    def known_to_api(self) -> bool:
        """Whether the API has a run of this id: one that a worker executes, or one that was called and is reported."""
        return bool(self.api_url) and (self.parent is None or self.reporter is not None)

    def next_key(self, task_key: str) -> str:
        """The dynamic key of the next run of a task."""
        number = self.keys.get(task_key, 0)
        self.keys[task_key] = number + 1
        return str(number)

    def wait_for_tasks(self) -> None:
        """Until every task that was submitted in this flow run has ended."""
        if self.task_run is None:
            self.pool.wait()

    async def wait_for_tasks_async(self) -> None:
        """The same without holding up the loop."""
        if self.task_run is None:
            await self.pool.wait_async()

    def close(self, *, broken_off: bool) -> None:
        """No more tasks: those that have not begun never will, and if the flow's code was broken off, those end that wait for their next
        try. Another try of the flow has its own."""
        if self.task_run is None:
            pool, self.pool = self.pool, TaskPool()
            pool.close(pauses=broken_off)

    def pause(self, seconds: float) -> bool:
        """Blocks before the next try. False, at once, when this is a task whose flow run has ended."""
        if self.task_run is not None:
            return self.pool.pause(seconds)
        time.sleep(seconds)
        return True

    async def pause_async(self, seconds: float) -> bool:
        """The same on the running loop."""
        import asyncio  # loaded by whoever runs a loop; plain flows never pay for it

        if self.task_run is not None:
            return await self.pool.pause_async(seconds)
        await asyncio.sleep(seconds)
        return True


_current: ContextVar[RunContext | None] = ContextVar("flowhand_run", default=None)


@dataclass(slots=True)
class _Process:
    """What holds for the whole process: its run, seen by threads that inherit no context, and whether a flow's module is being loaded."""

    run: RunContext | None = None
    loading: str | None = None
    announce: Callable[[TaskRun], object] | None = None
    """Tells of a task run's new state to whoever reports them."""
    elsewhere: Callable[[str], bool] | None = None
    """Whether the lines of a flow run (by its id) are reported by itself; None: none are."""
    emit: Callable[[dict[str, Any]], bool] | None = None
    """Hands an event to whoever reports them; whether he took it."""
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
