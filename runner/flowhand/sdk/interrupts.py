"""What ends a flow's code from outside: a stop that the process was asked for, or a deadline.

They are no `Exception`, so that a flow's own `except Exception` does not swallow them; its `finally` blocks run.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Generator

from flowhand.errors import FlowTimeout


class Interruption(BaseException):
    """The root of what ends a flow's code from outside."""


class RunStopped(Interruption):
    """The process was asked to stop. `why` is a word of `execution.launcher.StopReason`, or None for a plain signal."""

    def __init__(self, why: str | None) -> None:
        super().__init__(why or "signal")
        self.why = why


class Expired(Interruption):
    """A deadline passed. Each deadline has a subclass of its own, and only it turns that one into FlowTimeout."""


@contextlib.contextmanager
def deadline(seconds: float | None) -> Generator[None, None, None]:
    """FlowTimeout when the block runs longer than `seconds`; None: no deadline. They nest.

    In the main thread SIGALRM interrupts whatever waits; elsewhere an asynchronous exception takes effect when Python code runs again.
    """
    if seconds is None:
        yield
        return
    from flowhand.sdk.alarms import alarm  # signals and timers: only flows with a time-out pay for them

    own = type("Expired", (Expired,), {})
    try:
        with alarm(seconds, own):
            yield
    except own:
        raise timed_out(seconds) from None


@contextlib.asynccontextmanager
async def async_deadline(seconds: float | None) -> AsyncGenerator[None, None]:
    """FlowTimeout when the block takes longer: its task is cancelled, so its `finally` blocks may still await."""
    if seconds is None:
        yield
        return
    import asyncio  # loaded by whoever runs a loop; plain flows never pay for it

    scope = asyncio.timeout(seconds)
    try:
        async with scope:
            yield
    except TimeoutError:
        if not scope.expired():
            raise
        raise timed_out(seconds) from None


def timed_out(seconds: float) -> FlowTimeout:
    """The error of a flow that ran longer than it may (the words are the contract's, 3)."""
    return FlowTimeout(f"exceeded timeout of {float(seconds)} second(s)")
