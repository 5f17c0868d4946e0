"""The threads that submitted tasks run in. Started by the first task that is submitted, gone with the flow run."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

WORKERS: Final = 250
"""Threads at most: tasks wait for others inside theirs, so a small number could come to a standstill."""


class TaskPool:
    """Runs calls in threads, each in a copy of the context that it was submitted in."""

    def __init__(self) -> None:
        self._executor: ThreadPoolExecutor | None = None
        self._pending: set[Future[Any]] = set()
        self._closed = threading.Event()
        self._wakers: set[Callable[[], object]] = set()
        self._lock = threading.Lock()

    def submit(self, call: Callable[[], None]) -> Future[Any]:
        """Runs the call as soon as a thread is free."""
        if self._executor is None:
            from concurrent.futures import ThreadPoolExecutor  # flows that submit nothing never pay for it

            self._executor = ThreadPoolExecutor(WORKERS, thread_name_prefix="flowhand-task")
        future = self._executor.submit(copy_context().run, call)
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return future

    def wait(self) -> None:
        """Until everything has ended that was submitted, meanwhile too."""
        while self._pending:
            from concurrent.futures import wait

            wait(list(self._pending))

    async def wait_async(self) -> None:
        """The same without holding up the loop."""
        while self._pending:
            import asyncio

            await asyncio.wait([asyncio.wrap_future(future) for future in list(self._pending)])

    def pause(self, seconds: float) -> bool:
        """Blocks for so long; False as soon as the pool is closed."""
        return not self._closed.wait(seconds)

    async def pause_async(self, seconds: float) -> bool:
        """The same on the running loop, which may be any."""
        import asyncio

        loop, woken = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the flow has closed that loop: nobody waits there any more
                loop.call_soon_threadsafe(woken.set)

        with self._lock:
            self._wakers.add(wake)
            if self._closed.is_set():
                woken.set()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await woken.wait()
        finally:
            with self._lock:
                self._wakers.discard(wake)
        return not self._closed.is_set()

    def close(self, *, pauses: bool) -> None:
        """What has not begun never will, and `pauses` end if so; threads that are idle end before this returns."""
        if pauses:
            self._closed.set()
            with self._lock:
                for wake in self._wakers:
                    wake()
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=not self._pending, cancel_futures=True)
