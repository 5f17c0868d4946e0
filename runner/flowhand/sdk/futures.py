"""Futures: what `.submit()` and `.map()` answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from flowhand.sdk.states import Crashed, State
from flowhand.sdk.task_run import TaskRun

if TYPE_CHECKING:
    from concurrent.futures import Future

R = TypeVar("R")


class TaskFuture(Generic[R]):
    """A task run that was submitted, and its result once it has ended. Times are seconds."""

    def __init__(self, task_run: TaskRun) -> None:
        self.task_run = task_run
        self._work: Future[Any] | None = None

    def attach(self, work: Future[Any]) -> None:
        """The thread's work that this stands for."""
        self._work = work

    @property
    def task_run_id(self) -> str:
        """The id of the run."""
        return self.task_run.id

    @property
    def state(self) -> State | None:
        """The state as it is now."""
        return self.task_run.state

    @property
    def final_state(self) -> State:
        """The state at the end, which is waited for."""
        self.wait()
        state = self.task_run.state
        if state is None or state.is_running() or state.is_scheduled() or (state.is_pending() and state.data is None):
            return Crashed(message="Task run did not come to an end.")
        return state

    def done(self) -> bool:
        """Whether it has ended."""
        return self._work is not None and self._work.done()

    def wait(self, timeout: float | None = None) -> None:
        """Until it has ended, or the time is over; raises nothing."""
        from concurrent.futures import wait  # loaded by whoever submits

        if self._work is not None:
            wait([self._work], timeout)

    async def wait_async(self) -> None:
        """The same on the running loop, without end."""
        import asyncio

        if self._work is not None:
            await asyncio.wait([asyncio.wrap_future(self._work)])

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> R:
        """The task's value; its error is raised, or answered when `raise_on_failure` is false. TimeoutError when it has not ended."""
        self.wait(timeout)
        if not self.done():
            raise TimeoutError(f"task run {self.task_run.name!r} has not ended within {timeout} s")
        return self.final_state.result(raise_on_failure)

    def add_done_callback(self, fn: Callable[[TaskFuture[R]], Any]) -> None:
        """Calls `fn` with this future once it has ended, at once if it has."""
        if self._work is not None:
            self._work.add_done_callback(lambda _work: fn(self))

    def __repr__(self) -> str:
        return f"<future of task run {self.task_run.name!r}: {self.task_run.state_name}>"


class FutureList(list[TaskFuture[R]]):
    """Futures of one `.map()`."""

    def wait(self, timeout: float | None = None) -> None:
        """Until all have ended, or the time is over."""
        wait(self, timeout)

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> list[R]:
        """All values, in order; the first error is raised."""
        deadline = None if timeout is None else time.monotonic() + timeout
        return [item.result(None if deadline is None else max(deadline - time.monotonic(), 0), raise_on_failure) for item in self]


class DoneAndNotDone(NamedTuple):
    """What `wait` answers."""

    done: set[TaskFuture[Any]]
    not_done: set[TaskFuture[Any]]


def wait(futures: Iterable[TaskFuture[Any]], timeout: float | None = None) -> DoneAndNotDone:
    """Until all have ended, or the time is over; which have and which have not."""
    items = set(futures)
    deadline = None if timeout is None else time.monotonic() + timeout
    for item in items:
        item.wait(None if deadline is None else max(deadline - time.monotonic(), 0))
    done = {item for item in items if item.done()}
    return DoneAndNotDone(done, items - done)


def as_completed(futures: Iterable[TaskFuture[Any]], timeout: float | None = None) -> Iterator[TaskFuture[Any]]:
    """Each as it ends. TimeoutError when not all have within the time."""
    import queue

    items = list(futures)
    ended: queue.SimpleQueue[TaskFuture[Any]] = queue.SimpleQueue()
    for item in items:
        item.add_done_callback(ended.put)
    deadline = None if timeout is None else time.monotonic() + timeout
    for left in range(len(items), 0, -1):
        try:
            yield ended.get(timeout=None if deadline is None else max(deadline - time.monotonic(), 0))
        except queue.Empty:
            raise TimeoutError(f"{left} of {len(items)} task runs have not ended within {timeout} s") from None
