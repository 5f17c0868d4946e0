"""What flows and tasks share: a function with a name, options, hooks and a signature, that works as a method too."""

from __future__ import annotations

import copy
import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any, ClassVar, Final, Generic, ParamSpec, Self, TypeVar

from flowhand.sdk.parameters import signature_of
from flowhand.sdk.states import State
from flowhand.wire.states import StateType

P = ParamSpec("P")
R = TypeVar("R")
Hook = Callable[..., Any]
"""A function of (flow or task, its run, state), plain or async."""

_BANNED: Final = "/%&><"
"""What a name must not contain, since it becomes a part of a URL (contract 10)."""
_GENERATORS: Final = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR
_COROUTINES: Final = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_EVENTS: Final = {
    StateType.RUNNING: "on_running",
    StateType.COMPLETED: "on_completion",
    StateType.FAILED: "on_failure",
    StateType.CRASHED: "on_crashed",
    StateType.CANCELLED: "on_cancellation",
    StateType.CANCELLING: "on_cancellation",
}


class Runnable(ABC, Generic[P, R]):
    """A function that can be run as a run of its own. `fn` is the function itself; durations are seconds."""

    kind: ClassVar[str] = "flow"

    def __init__(
        self,
        fn: Callable[P, R] | classmethod[Any, P, R] | staticmethod[P, R],
        name: str | None,
        *,
        description: str | None,
        timeout_seconds: float | None,
        retries: int | None,
        log_prints: bool | None,
        **hooks: Iterable[Hook] | None,
    ) -> None:
        function: Callable[..., Any] = fn.__func__ if isinstance(fn, (classmethod, staticmethod)) else fn
        if isinstance(function, type) or not callable(function):
            raise TypeError(f"@{self.kind} goes on a function, not on {function!r}")
        self.__qualname__ = ""
        functools.update_wrapper(self, function)
        self._descriptor = fn if isinstance(fn, classmethod) else None
        self.is_static = isinstance(fn, staticmethod)
        self.fn: Callable[P, R] = function
        self.name = self.checked_name(name, function)
        self.description = description if description is not None else _documentation(function)
        self.retries: int = not_negative("retries", retries)
        self.timeout_seconds: float | None = not_negative("timeout_seconds", timeout_seconds) or None
        self.log_prints = log_prints
        self.is_generator, self.is_async = _kinds(function)
        self._hooks = {event: checked_hooks(event, given) for event, given in hooks.items()}

    @abstractmethod
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs it."""

    @property
    def given_fn(self) -> Any:
        """The function as it was decorated, a classmethod still being one."""
        return self._descriptor or (staticmethod(self.fn) if self.is_static else self.fn)

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        """The signature of `fn`, its annotations evaluated."""
        return signature_of(self.fn)

    # --- hooks -----------------------------------------------------------------------------------------------------------------------

    def hooks_for(self, state: State) -> list[Hook]:
        """The hooks that a state calls for."""
        return self._hooks.get(_EVENTS.get(state.type, ""), [])

    def hooks(self) -> dict[str, list[Hook]]:
        """All hooks, by the option that they are given with."""
        return self._hooks

    def add_hook(self, event: str, fn: Hook) -> Hook:
        """One more; answers it, so that this serves as a decorator."""
        self._hooks[event] = self._hooks[event] + checked_hooks(event, [fn])
        return fn

    # --- retries ---------------------------------------------------------------------------------------------------------------------

    def wants_retry(self, run: Any, state: State) -> bool:
        """Whether a run that has come to this state is tried again."""
        return state.is_failed() and run.run_count <= self.retries

    @abstractmethod
    def retry_delay(self, run_count: int) -> float:
        """Seconds before the try that follows number `run_count`."""

    # --- as a method, and as a thing with a name ---------------------------------------------------------------------------------------

    def __get__(self, instance: object, owner: type | None = None) -> Self:
        """As a method: bound to the instance, or to the class."""
        if self._descriptor is not None:
            return self._bound(self._descriptor.__get__(instance, owner))
        if instance is None or self.is_static:
            return self
        return self._bound(self.fn.__get__(instance, owner))

    def _bound(self, fn: Any) -> Self:
        bound = copy.copy(self)
        kept: dict[str, Any] = vars(bound)
        for name in ("signature", "parameters"):
            kept.pop(name, None)
        kept.update(_descriptor=None, is_static=True, fn=fn)
        return bound

    def __reduce__(self) -> str:
        """Pickled by its name: what is found there is this object, not the bare function."""
        return self.__qualname__

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name!r}>"

    def checked_name(self, name: str | None, function: Callable[..., Any]) -> str:
        """The name, given or made of the function's. ValueError for one that could not be a part of a URL."""
        name = name or str(getattr(function, "__name__", type(function).__name__))
        found = sorted(set(name) & set(_BANNED))
        if found:
            raise ValueError(f"a {self.kind}'s name cannot contain {' '.join(found)}: {name!r}")
        return name


def _documentation(function: Callable[..., Any]) -> str | None:
    text = function.__doc__
    return inspect.cleandoc(text) if text else inspect.getdoc(function) if inspect.ismethod(function) else None


def _kinds(function: Callable[..., Any]) -> tuple[bool, bool]:
    """Whether it is a generator, and whether it is async."""
    if isinstance(function, FunctionType) and not function.__dict__:  # neither wrapped nor marked: its code says it
        flags = function.__code__.co_flags
        return bool(flags & _GENERATORS), bool(flags & _COROUTINES)
    generates = inspect.isasyncgenfunction(function)
    return generates or inspect.isgeneratorfunction(function), generates or inspect.iscoroutinefunction(function)


def not_negative(option: str, value: Any) -> Any:
    """The number, 0 for None. ValueError names the option."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise ValueError(f"{option} is {value!r}; it is a number, zero or above")
    return value


def checked_hooks(option: str, hooks: Iterable[Hook] | None) -> list[Hook]:
    """The hooks as a list. TypeError names the option."""
    found = list(hooks or ())
    for hook in found:
        if not callable(hook):
            raise TypeError(f"{option} takes functions of (what runs, its run, state), not {hook!r}")
    return found
