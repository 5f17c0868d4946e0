"""One method for plain and for async code: called from a coroutine it is awaited and works in a thread, called from elsewhere it blocks."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec

P = ParamSpec("P")


def dual(function: Callable[P, Any]) -> Callable[P, Any]:
    """The plain `function`, to be awaited where a coroutine calls it. An await that is cancelled does not stop the work in its thread."""

    @functools.wraps(function)
    def either(*args: P.args, **kwargs: P.kwargs) -> Any:
        frame = inspect.currentframe()
        caller = frame.f_back if frame else None
        if caller is None or not caller.f_code.co_flags & inspect.CO_COROUTINE:
            return function(*args, **kwargs)
        # Only a program with a loop gets here, and it has imported this already.
        import asyncio

        return asyncio.to_thread(function, *args, **kwargs)

    return either
