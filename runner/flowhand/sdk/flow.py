"""Flows: a function that can be run, deployed and served."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Final, ParamSpec, TypeVar, cast, overload

from flowhand.errors import ParameterError
from flowhand.sdk import calling, doors
from flowhand.sdk.dual import dual
from flowhand.sdk.runnable import Hook, Runnable, not_negative

if TYPE_CHECKING:
    from flowhand.sdk.doors import RunnerDeployment, Storage

P = ParamSpec("P")
R = TypeVar("R")


class Flow(Runnable[P, R]):
    """A function that can be run, deployed and served. Made by `@flow`; calling it runs it here and now.

    `fn` is the function itself. Durations are seconds.
    """

    kind: ClassVar[str] = "flow"

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
        super().__init__(
            fn,
            name,
            description=description,
            timeout_seconds=timeout_seconds,
            retries=retries,
            log_prints=log_prints,
            on_completion=on_completion,
            on_failure=on_failure,
            on_cancellation=on_cancellation,
            on_crashed=on_crashed,
            on_running=on_running,
        )
        self._version = version
        self.flow_run_name = flow_run_name
        self.retry_delay_seconds: float = not_negative("retry_delay_seconds", retry_delay_seconds)
        self.should_validate_parameters = validate_parameters
        self.persist_result = persist_result
        self.entrypoint: str | None = None
        """Where it was loaded from, when it was loaded from an entrypoint."""
        self.storage: Storage | None = None
        """Where its code comes from, when it was made by `from_source`."""
        self.source_path = "."
        """Its folder, as a deployment's path names it."""

    # --- what it is ------------------------------------------------------------------------------------------------------------------

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
        try:
            return self.flow_run_name.format(**parameters)
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            raise ParameterError(f"flow {self.name!r}: flow_run_name {self.flow_run_name!r} cannot be filled in: {error!r}") from None

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

    def retry_delay(self, run_count: int) -> float:
        return self.retry_delay_seconds

    def checked_name(self, name: str | None, function: Callable[..., Any]) -> str:
        """As given, else the function's with dashes."""
        return super().checked_name(name, function) if name else super().checked_name(None, function).replace("_", "-")

    # --- variants and hooks ----------------------------------------------------------------------------------------------------------

    def with_options(self, **options: Any) -> Flow[P, R]:
        """The same flow with other options; takes what `@flow` takes. TypeError names an unknown one."""
        given: dict[str, Any] = {"name": self.name, "version": self._version, "validate_parameters": self.should_validate_parameters}
        kept = ("description", "flow_run_name", "retries", "retry_delay_seconds", "timeout_seconds", "log_prints", "persist_result")
        given |= {option: getattr(self, option) for option in kept}
        given |= self.hooks()
        unknown = options.keys() - given.keys()
        if unknown:
            raise TypeError(f"with_options() takes no {', '.join(sorted(unknown))}; it takes {', '.join(given)}")
        made: Flow[P, R] = Flow(self.given_fn, **(given | options))
        made.entrypoint, made.storage, made.source_path = self.entrypoint, self.storage, self.source_path
        return made

    def on_completion(self, fn: Hook) -> Hook:
        """Adds a hook for runs that completed; usable as a decorator."""
        return self.add_hook("on_completion", fn)

    def on_failure(self, fn: Hook) -> Hook:
        """Adds a hook for runs that failed for good."""
        return self.add_hook("on_failure", fn)

    def on_cancellation(self, fn: Hook) -> Hook:
        """Adds a hook for runs that were cancelled."""
        return self.add_hook("on_cancellation", fn)

    def on_crashed(self, fn: Hook) -> Hook:
        """Adds a hook for runs that something else ended."""
        return self.add_hook("on_crashed", fn)

    def on_running(self, fn: Hook) -> Hook:
        """Adds a hook for runs that begin."""
        return self.add_hook("on_running", fn)

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


def _hash_of_file(fn: Callable[..., Any]) -> str | None:
    from hashlib import blake2b  # loads OpenSSL, which no call of a flow needs

    try:
        with open(inspect.unwrap(fn).__code__.co_filename, "rb") as file:  # noqa: PTH123 - in every run; pathlib takes ten times as long
            return blake2b(file.read(), digest_size=16).hexdigest()
    except (OSError, AttributeError):
        return None
