"""One function for plain and for async code.

A function made `dual` is written once, as a coroutine function. Called from a coroutine it answers an awaitable; called from anywhere else
it runs to its end and answers the result, also from plain code that a running loop calls (then in a thread, which the loop waits for).
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from types import FrameType
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_TRANSPARENT: Final = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>", "<lambda>"})
_COROUTINE: Final = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR | inspect.CO_ITERABLE_COROUTINE


def dual(fn: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Typed as plain code sees it. Within flowhand the coroutine function is called itself, by the name it has without `dual`."""

    @functools.wraps(fn)
    def either(*args: P.args, **kwargs: P.kwargs) -> Any:
        work = fn(*args, **kwargs)
        return work if called_from_coroutine(inspect.currentframe()) else run_plain(work)

    return either


def called_from_coroutine(frame: FrameType | None) -> bool:
    """Whether the caller of `frame` is a coroutine (or a comprehension or lambda in one)."""
    caller = frame.f_back if frame else None
    while caller is not None and caller.f_code.co_name in _TRANSPARENT:
        caller = caller.f_back
    return caller is not None and bool(caller.f_code.co_flags & _COROUTINE)


def run_plain(work: Coroutine[Any, Any, T]) -> T:
    """Runs `work` to its end, on a loop of its own."""
    import asyncio  # plain flows that deploy nothing never pay for it

    return _in_thread(lambda: asyncio.run(work)) if on_a_loop() else asyncio.run(work)


def on_a_loop() -> bool:
    """Whether a loop runs in this thread. Asked by itself, so that no error of what follows is said to have come of the answer."""
    import asyncio  # see above

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _in_thread(call: Callable[[], T]) -> T:
    outcome: list[T] = []
    errors: list[BaseException] = []
    context = copy_context()

    def run() -> None:
        try:
            outcome.append(context.run(call))
        except BaseException as error:  # noqa: BLE001  # handed to the thread that waits
            errors.append(error)

    thread = threading.Thread(target=run, name="flowhand-dual")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return outcome[0]
