"""An event loop whose clock is simulated, and processes on it that can be stopped, continued and killed between any two steps.

A process is a set of tasks that share a context variable. A stopped one keeps its steps, as SIGSTOP does; a killed one is stopped for
good, so that nothing of it runs any more: no `finally`, no `except`, as after SIGKILL.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import itertools
from collections.abc import Callable, Coroutine
from typing import Any, Self


class Deadlock(Exception):
    """Nothing will ever happen any more, and somebody waits."""


class Process:
    """What can be stopped as a whole. One within another (a daemon on a host) stops with it."""

    def __init__(self, loop: SimLoop, name: str, within: Process | None = None) -> None:
        self.name = name
        self.steps = 0
        self.at_step: tuple[int, Callable[[], None]] | None = None
        """Called once, between two steps, when so many have been made."""
        self._loop = loop
        self._within = within
        self._stopped = False
        self.held: list[asyncio.Handle] = []
        loop.processes.append(self)

    @property
    def frozen(self) -> bool:
        """Whether its steps are kept back."""
        return self._stopped or (self._within is not None and self._within.frozen)

    def stop(self) -> None:
        """As SIGSTOP; also as SIGKILL, when nobody continues it."""
        self._stopped = True

    def resume(self) -> None:
        """As SIGCONT: all it was waiting for comes at once."""
        self._stopped = False
        self._loop.release()

    def spawn(self, work: Coroutine[Any, Any, Any], name: str = "") -> asyncio.Task[Any]:
        """A task of this process."""
        context = contextvars.copy_context()
        context.run(_PROCESS.set, self)
        return self._loop.create_task(work, name=name or self.name, context=context)

    def call_later(self, seconds: float, call: Callable[..., object], *args: Any) -> asyncio.TimerHandle:
        """A step of this process, later."""
        context = contextvars.Context()
        context.run(_PROCESS.set, self)
        return self._loop.call_later(seconds, call, *args, context=context)


_PROCESS: contextvars.ContextVar[Process | None] = contextvars.ContextVar("process", default=None)


class SimLoop(asyncio.BaseEventLoop):
    """Runs what is ready; when nothing is, time goes on to the next timer. No I/O, no threads."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self.numbers = itertools.count()
        self.processes: list[Process] = []
        self.set_task_factory(self._new_task)

    def time(self) -> float:
        """Simulated seconds."""
        return self._now

    def outside(self, seconds: float, call: Callable[..., object], *args: Any) -> asyncio.TimerHandle:
        """A step of no process: the world's own."""
        return self.call_later(seconds, call, *args, context=contextvars.Context())

    def release(self) -> None:
        """Makes the kept steps of processes that go on ready."""
        for process in self.processes:
            if process.held and not process.frozen:
                self._ready.extend(process.held)
                process.held.clear()

    def _run_once(self) -> None:
        """One round, as the base class does it, but for the selector and for processes."""
        scheduled, ready = self._scheduled, self._ready
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)._scheduled = False
            self._timer_cancelled_count = max(0, self._timer_cancelled_count - 1)
        if not ready and not self._stopping:
            if not scheduled:
                raise Deadlock(f"nothing is left to happen at {self._now:.3f} s")
            self._now = max(self._now, scheduled[0]._when)
        while scheduled and scheduled[0]._when <= self._now:
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            if handle._cancelled:
                self._timer_cancelled_count = max(0, self._timer_cancelled_count - 1)
            else:
                ready.append(handle)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                self._step(handle)

    def _step(self, handle: asyncio.Handle) -> None:
        process = handle._context.get(_PROCESS)
        if process is None:
            handle._run()
        elif process.frozen:
            process.held.append(handle)
        else:
            handle._run()
            process.steps += 1
            if process.at_step is not None and process.steps >= process.at_step[0]:
                call, process.at_step = process.at_step[1], None
                call()

    def _new_task(self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **more: Any) -> asyncio.Task[Any]:
        return _Task(work, loop=loop, **more)

    def _process_events(self, event_list: Any) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody else could wake us."""


class _Task(asyncio.Task[Any]):
    """A task whose place in a set does not depend on its address, so that a seed runs the same way every time."""

    def __new__(cls, *_args: Any, loop: SimLoop, **_more: Any) -> Self:
        task = super().__new__(cls)
        task._number = next(loop.numbers)
        return task

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other
