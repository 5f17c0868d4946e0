"""Flows: a function that can be run, deployed and served."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, ParamSpec, Self, TypeVar, cast, overload

from flowhand.sdk import calling, doors
from flowhand.sdk.dual import dual
from flowhand.sdk.hooks import Hook
from flowhand.sdk.parameters import signature_of

if TYPE_CHECKING:
    from flowhand.sdk.doors import RunnerDeployment, Storage

P = ParamSpec("P")
R = TypeVar("R")

_BANNED: Final = "/%&><"
"""What a name must not contain, since it becomes a part of a URL (contract 10)."""
_HOOKS: Final = ("on_completion", "on_failure", "on_cancellation", "on_crashed", "on_running")


class Flow(Generic[P, R]):
    """A function that can be run, deployed and served. Made by `@flow`; calling it runs it here and now.

    `fn` is the function itself. Durations are seconds.
    """

    def __init__(
        self,
        fn: Callable[P, R] | classmethod[Any, P, R] | staticmethod[P, R],
        *,
        name: str | None = None,
        version: str | None = None,
        description: str | None = None,
        flow_run_name: str | Callable[[], str] | None = None,
        retries: int | None = None,
        retry_delay_seconds: float | None = None,
        timeout_seconds: float | None = None,
        validate_parameters: bool = True,
        log_prints: bool | None = None,
        persist_result: bool | None = None,
        on_completion: Iterable[Hook] | None = None,
        on_failure: Iterable[Hook] | None = None,
        on_cancellation: Iterable[Hook] | None = None,
        on_crashed: Iterable[Hook] | None = None,
        on_running: Iterable[Hook] | None = None,
    ) -> None:
        function = _function_of(fn)
        self.__qualname__ = ""
        functools.update_wrapper(self, function)
        self._descriptor = fn if isinstance(fn, classmethod) else None
        self.is_static = isinstance(fn, staticmethod)
        self.fn: Callable[P, R] = function
        self.name = _checked_name(name, function)
        self._version = version
        self.description = description if description is not None else inspect.getdoc(function)
        self.flow_run_name = flow_run_name
        self.retries = _not_negative("retries", retries)
        self.retry_delay_seconds = _not_negative("retry_delay_seconds", retry_delay_seconds)
        self.timeout_seconds = _not_negative("timeout_seconds", timeout_seconds) or None
        self.should_validate_parameters = validate_parameters
        self.log_prints = log_prints
        self.persist_result = persist_result
        self.on_completion_hooks = _hooks("on_completion", on_completion)
        self.on_failure_hooks = _hooks("on_failure", on_failure)
        self.on_cancellation_hooks = _hooks("on_cancellation", on_cancellation)
        self.on_crashed_hooks = _hooks("on_crashed", on_crashed)
        self.on_running_hooks = _hooks("on_running", on_running)
        self.is_generator = inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
        self.is_async = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
        self.entrypoint: str | None = None
        """Where it was loaded from, when it was loaded from an entrypoint."""
        self.storage: Storage | None = None
        """Where its code comes from, when it was made by `from_source`."""
        self.source_path = "."
        """Its folder, as a deployment's path names it."""

    # --- what it is ------------------------------------------------------------------------------------------------------------------

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        """The signature of `fn`, its annotations evaluated."""
        return signature_of(self.fn)

    @property
    def version(self) -> str | None:
        """As given, else a hash of the file that the flow is written in; None when there is no file."""
        if self._version is None:
            self._version = _hash_of_file(self.fn)
        return self._version

    def fix_version(self) -> None:
        """Keeps the version as it is now, for a file that is about to go."""
        self._version = self.version

    @functools.cached_property
    def parameters(self) -> dict[str, Any]:
        """The OpenAPI schema of the parameters: titles, types, defaults, positions, descriptions, and which are required."""
        from flowhand.sdk.docstrings import parameter_descriptions
        from flowhand.sdk.parameter_schema import parameter_schema  # pydantic: for deploying, never for running

        return parameter_schema(self.signature, parameter_descriptions(inspect.getdoc(self.fn)))

    def run_name(self, parameters: dict[str, Any]) -> str | None:
        """What a run with these parameters is called by `flow_run_name`: a template over them, or what the callable answers."""
        if self.flow_run_name is None:
            return None
        if callable(self.flow_run_name):
            return str(self.flow_run_name())
        return self.flow_run_name.format(**parameters)

    # --- calling ---------------------------------------------------------------------------------------------------------------------

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs the flow here and now and answers its value; an async flow answers an awaitable.

        With `return_state=True` the answer is the final `State`, and what the flow raises is in it. ParameterError for parameters that do
        not fit.
        """
        options = cast("dict[str, Any]", kwargs)
        return_state = bool(options.pop("return_state", False))
        options.pop("wait_for", None)
        run = calling.call_async if self.is_async else calling.call
        return cast("R", run(self, args, options, return_state=return_state))

    def __get__(self, instance: object, owner: type | None = None) -> Self:
        """As a method: bound to the instance, or to the class."""
        if self._descriptor is not None:
            return self._bound(self._descriptor.__get__(instance, owner))
        if instance is None or self.is_static:
            return self
        return self._bound(self.fn.__get__(instance, owner))

    def _bound(self, fn: Any) -> Self:
        bound = copy.copy(self)
        for name in ("signature", "parameters"):
            bound.__dict__.pop(name, None)
        bound.__dict__.update(_descriptor=None, is_static=True, fn=fn)
        return bound

    def __reduce__(self) -> str:
        """Pickled by its name: what is found there is this flow, not the bare function."""
        return self.__qualname__

    def __repr__(self) -> str:
        return f"<flow {self.name!r}>"

    # --- variants and hooks ----------------------------------------------------------------------------------------------------------

    def with_options(self, **options: Any) -> Flow[P, R]:
        """The same flow with other options; takes what `@flow` takes. TypeError names an unknown one."""
        given: dict[str, Any] = {"name": self.name, "version": self._version, "validate_parameters": self.should_validate_parameters}
        kept = ("description", "flow_run_name", "retries", "retry_delay_seconds", "timeout_seconds", "log_prints", "persist_result")
        given |= {option: getattr(self, option) for option in kept}
        given |= {hook: getattr(self, f"{hook}_hooks") for hook in _HOOKS}
        unknown = options.keys() - given.keys()
        if unknown:
            raise TypeError(f"with_options() takes no {', '.join(sorted(unknown))}; it takes {', '.join(given)}")
        made = Flow(self._descriptor or self.fn, **(given | options))
        made.is_static = self.is_static
        made.entrypoint, made.storage, made.source_path = self.entrypoint, self.storage, self.source_path
        return made

    def on_completion(self, fn: Hook) -> Hook:
        """Adds a hook for runs that completed; usable as a decorator."""
        self.on_completion_hooks += _hooks("on_completion", [fn])
        return fn

    def on_failure(self, fn: Hook) -> Hook:
        """Adds a hook for runs that failed for good."""
        self.on_failure_hooks += _hooks("on_failure", [fn])
        return fn

    def on_cancellation(self, fn: Hook) -> Hook:
        """Adds a hook for runs that were cancelled."""
        self.on_cancellation_hooks += _hooks("on_cancellation", [fn])
        return fn

    def on_crashed(self, fn: Hook) -> Hook:
        """Adds a hook for runs that something else ended."""
        self.on_crashed_hooks += _hooks("on_crashed", [fn])
        return fn

    def on_running(self, fn: Hook) -> Hook:
        """Adds a hook for runs that begin."""
        self.on_running_hooks += _hooks("on_running", [fn])
        return fn

    # --- deploying -------------------------------------------------------------------------------------------------------------------

    @dual
    async def to_deployment(self, name: str, **options: Any) -> RunnerDeployment:
        """A deployment of this flow, not yet known to the API; takes what `RunnerDeployment.from_flow` takes."""
        return await doors.to_deployment(self, name, **options)

    @dual
    async def deploy(self, name: str, **options: Any) -> str:
        """Creates or updates a deployment of this flow for a work pool and answers its id; see `flowhand.deployments.deploy`."""
        return await doors.deploy_flow(self, name, **options)

    def serve(self, name: str | None = None, **options: Any) -> Any:
        """Serves this flow alone: creates the deployment and runs a runner in the foreground. Awaitable in async code.

        Takes what `to_deployment` and `serve` take.
        """
        return doors.serve_flow(self, name, **options)

    @staticmethod
    def from_source(source: Any, entrypoint: str) -> Any:
        """The flow at `entrypoint` in `source` (a folder, a URL, a storage object). Awaitable in async code."""
        return doors.from_source(source, entrypoint, inspect.currentframe())


class FlowDecorator:
    """`flow`: the decorator, with or without options."""

    from_source = staticmethod(Flow.from_source)

    @overload
    def __call__(self, fn: Callable[P, R], /) -> Flow[P, R]: ...
    @overload
    def __call__(
        self,
        fn: None = None,
        /,
        *,
        name: str | None = None,
        version: str | None = None,
        description: str | None = None,
        flow_run_name: str | Callable[[], str] | None = None,
        retries: int | None = None,
        retry_delay_seconds: float | None = None,
        timeout_seconds: float | None = None,
        validate_parameters: bool = True,
        log_prints: bool | None = None,
        persist_result: bool | None = None,
        on_completion: Iterable[Hook] | None = None,
        on_failure: Iterable[Hook] | None = None,
        on_cancellation: Iterable[Hook] | None = None,
        on_crashed: Iterable[Hook] | None = None,
        on_running: Iterable[Hook] | None = None,
    ) -> Callable[[Callable[P, R]], Flow[P, R]]: ...
    def __call__(self, fn: Any = None, /, **options: Any) -> Any:
        """Makes a function a flow. TypeError names an option that is unknown."""
        if fn is None:
            return functools.partial(Flow, **options)
        return Flow(fn, **options)


flow: Final = FlowDecorator()


def _function_of(fn: Any) -> Callable[..., Any]:
    function = fn.__func__ if isinstance(fn, (classmethod, staticmethod)) else fn
    if isinstance(function, type) or not callable(function):
        raise TypeError(f"@flow goes on a function, not on {function!r}")
    return function


def _checked_name(name: str | None, function: Callable[..., Any]) -> str:
    own = str(getattr(function, "__name__", type(function).__name__))
    name = name or own.replace("_", "-")
    found = sorted(set(name) & set(_BANNED))
    if found:
        raise ValueError(f"a flow's name cannot contain {' '.join(found)}: {name!r}")
    return name


def _not_negative(option: str, value: Any) -> Any:
    if value is None:
        return 0
    if not isinstance(value, (int, float)) or value < 0:
        raise ValueError(f"{option} is {value!r}; it is a number, zero or above")
    return value


def _hooks(option: str, hooks: Iterable[Hook] | None) -> list[Hook]:
    found = list(hooks or ())
    for hook in found:
        if not callable(hook):
            raise TypeError(f"{option} takes functions of (flow, flow_run, state), not {hook!r}")
    return found


def _hash_of_file(fn: Callable[..., Any]) -> str | None:
    from hashlib import blake2b  # loads OpenSSL, which no call of a flow needs

    try:
        path = inspect.getsourcefile(inspect.unwrap(fn))
        return blake2b(Path(path or "").read_bytes(), digest_size=16).hexdigest()
    except (OSError, TypeError):
        return None
