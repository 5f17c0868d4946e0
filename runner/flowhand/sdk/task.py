"""Tasks: steps of a flow that are retried, cached, named and run side by side."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from random import uniform
from typing import Any, ClassVar, ParamSpec, TypeVar, cast, overload

from flowhand.sdk import task_calling
from flowhand.sdk.futures import FutureList, TaskFuture
from flowhand.sdk.runnable import Hook, Runnable, not_negative
from flowhand.sdk.states import State

P = ParamSpec("P")
R = TypeVar("R")
Delays = float | Sequence[float] | Callable[[int], Sequence[float]] | None


class Task(Runnable[P, R]):
    """A step of a flow. Made by `@task`; called, it runs here and now; `.submit()` runs it beside what follows.

    `fn` is the function itself. Durations are seconds.
    """

    kind: ClassVar[str] = "task"

    def __init__(
        self,
        fn: Callable[P, R] | classmethod[Any, P, R] | staticmethod[P, R],
        *,
        name: str | None = None,
        description: str | None = None,
        retries: int | None = None,
        retry_delay_seconds: Delays = None,
        retry_jitter_factor: float | None = None,
        retry_condition_fn: Callable[..., bool] | None = None,
        timeout_seconds: float | None = None,
        tags: Iterable[str] | None = None,
        cache_key_fn: Callable[..., str | None] | None = None,
        cache_expiration: timedelta | None = None,
        log_prints: bool | None = None,
        task_run_name: str | Callable[[], str] | None = None,
        on_completion: Iterable[Hook] | None = None,
        on_failure: Iterable[Hook] | None = None,
    ) -> None:
        super().__init__(
            fn,
            name,
            description=description,
            timeout_seconds=timeout_seconds,
            retries=retries,
            log_prints=log_prints,
            on_completion=on_completion,
            on_failure=on_failure,
        )
        self.retry_delay_seconds = retry_delay_seconds
        self._delays = self._checked_delays(retry_delay_seconds)
        self.retry_jitter_factor: float = not_negative("retry_jitter_factor", retry_jitter_factor)
        self.retry_condition_fn = retry_condition_fn
        self.tags = sorted(set(tags or ()))
        self.cache_key_fn = cache_key_fn
        self.cache_expiration = cache_expiration
        self.task_run_name = task_run_name

    def _checked_delays(self, given: Delays) -> list[float]:
        found: Any = given(self.retries) if callable(given) else given
        delays = list(found) if isinstance(found, (list, tuple)) else [found]
        return [not_negative("retry_delay_seconds", delay) for delay in delays]

    @property
    def task_key(self) -> str:
        """What makes it the same task in every run."""
        return f"{self.fn.__module__}.{self.__qualname__}" if self.name == self.fn.__name__ else f"{self.fn.__module__}.{self.name}"

    @property
    def code(self) -> bytes:
        """The compiled body: a result that other code computed is none of this task's."""
        code = getattr(self.fn, "__code__", None)
        return code.co_code + repr(code.co_consts).encode() if code else b""

    def retry_delay(self, run_count: int) -> float:
        delay = self._delays[min(run_count, len(self._delays)) - 1]
        return max(0.0, uniform(delay, delay * (1 + self.retry_jitter_factor)))  # noqa: S311  # spreads load, guards nothing

    def wants_retry(self, run: Any, state: State) -> bool:
        if not super().wants_retry(run, state):
            return False
        return self.retry_condition_fn is None or bool(self.retry_condition_fn(self, run, state))

    def run_name(self, parameters: dict[str, Any], otherwise: str) -> str:
        """What a run with these parameters is called by `task_run_name`: a template over them, or what the callable answers."""
        if self.task_run_name is None:
            return otherwise
        return str(self.task_run_name()) if callable(self.task_run_name) else self.task_run_name.format(**parameters)

    # --- calling ---------------------------------------------------------------------------------------------------------------------

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs the task here and now and answers its value; an async task answers an awaitable.

        Futures among the arguments are waited for, and their values handed over. `wait_for` takes futures that have to end first,
        `return_state=True` answers the final `State`.
        """
        call = task_calling.read(args, cast("dict[str, Any]", kwargs))
        return cast("R", task_calling.call_async(self, call) if self.is_async else task_calling.call(self, call))

    def submit(self, *args: Any, **kwargs: Any) -> TaskFuture[R]:
        """Runs the task in a thread, beside what follows. Takes what a call takes."""
        return task_calling.submit(self, task_calling.read(args, kwargs))

    def map(self, *args: Any, **kwargs: Any) -> FutureList[R]:
        """Submits the task once for each item of its iterable arguments, taken together; text, mappings and `unmapped` ones are the same
        for all. ValueError when there is nothing to iterate over, or their lengths differ."""
        return task_calling.map_over(self, args, kwargs)

    def with_options(self, **options: Any) -> Task[P, R]:
        """The same task with other options; takes what `@task` takes. TypeError names an unknown one."""
        kept = ("name", "description", "retries", "retry_delay_seconds", "retry_jitter_factor", "retry_condition_fn", "timeout_seconds")
        kept += ("tags", "cache_key_fn", "cache_expiration", "log_prints", "task_run_name")
        given: dict[str, Any] = {option: getattr(self, option) for option in kept} | self.hooks()
        unknown = options.keys() - given.keys()
        if unknown:
            raise TypeError(f"with_options() takes no {', '.join(sorted(unknown))}; it takes {', '.join(given)}")
        return Task(self.given_fn, **(given | options))

    def on_completion(self, fn: Hook) -> Hook:
        """Adds a hook for runs that completed; usable as a decorator."""
        return self.add_hook("on_completion", fn)

    def on_failure(self, fn: Hook) -> Hook:
        """Adds a hook for runs that failed for good."""
        return self.add_hook("on_failure", fn)


@overload
def task(fn: Callable[P, R], /) -> Task[P, R]: ...
@overload
def task(
    fn: None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    retries: int | None = None,
    retry_delay_seconds: Delays = None,
    retry_jitter_factor: float | None = None,
    retry_condition_fn: Callable[..., bool] | None = None,
    timeout_seconds: float | None = None,
    tags: Iterable[str] | None = None,
    cache_key_fn: Callable[..., str | None] | None = None,
    cache_expiration: timedelta | None = None,
    log_prints: bool | None = None,
    task_run_name: str | Callable[[], str] | None = None,
    on_completion: Iterable[Hook] | None = None,
    on_failure: Iterable[Hook] | None = None,
) -> Callable[[Callable[P, R]], Task[P, R]]: ...
def task(fn: Any = None, /, **options: Any) -> Any:
    """Makes a function a task. TypeError names an option that is unknown."""
    return functools.partial(Task, **options) if fn is None else Task(fn, **options)
