"""Calling, submitting and mapping tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from flowhand.errors import FlowhandError
from flowhand.ids import derived_id, timed_id
from flowhand.sdk.annotations import Annotation, allow_failure, quote, unmapped
from flowhand.sdk.attempt import Attempt
from flowhand.sdk.context import RunContext, current_run
from flowhand.sdk.course import After, Course, announce, answer, course, drive, drive_async, enter
from flowhand.sdk.dual import run_plain
from flowhand.sdk.flow_run import FlowRun
from flowhand.sdk.futures import FutureList, TaskFuture
from flowhand.sdk.parameters import as_parameters, bind
from flowhand.sdk.run_logging import logger_of, show_on_console
from flowhand.sdk.states import Completed, Pending, State
from flowhand.sdk.task_pool import TaskPool
from flowhand.sdk.task_run import TaskRun
from flowhand.wire.states import StateType

if TYPE_CHECKING:
    from flowhand.sdk.task import Task

_PLAIN: Final = (str, bytes, int, float, bool, type(None))


@dataclass(frozen=True, slots=True)
class TaskCall:
    """A call's arguments, its own options taken out of them."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    wait_for: list[Any]
    return_state: bool


@dataclass(frozen=True, slots=True)
class CacheContext:
    """What a `cache_key_fn` is given beside the parameters."""

    task: Task[..., Any]
    task_run: TaskRun
    parameters: dict[str, Any]


class UpstreamFailed(FlowhandError):
    """What a task needs did not complete, so the task was not run."""


def read(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> TaskCall:
    """Takes `wait_for` and `return_state` out of a call's arguments."""
    left = dict(kwargs)
    wait_for = left.pop("wait_for", None)
    return_state = bool(left.pop("return_state", False))
    return TaskCall(args, left, list(wait_for) if isinstance(wait_for, Iterable) else [wait_for] if wait_for else [], return_state)


def call(task: Task[..., Any], given: TaskCall) -> Any:
    """Runs a plain task here and now."""
    attempt = _begin(task, given)
    drive(attempt, _course(attempt, given))
    return answer(attempt, given.return_state)


async def call_async(task: Task[..., Any], given: TaskCall) -> Any:
    """Runs an async task on the running loop."""
    attempt = _begin(task, given)
    await drive_async(attempt, _course(attempt, given))
    return answer(attempt, given.return_state)


def submit(task: Task[..., Any], given: TaskCall) -> TaskFuture[Any]:
    """Runs the task in a thread of the flow run, an async one on a loop of its own there."""
    attempt = _begin(task, given)
    assert attempt.run.task_run is not None
    future: TaskFuture[Any] = TaskFuture(attempt.run.task_run)

    def work() -> None:
        steps = _course(attempt, given)
        run_plain(drive_async(attempt, steps)) if task.is_async else drive(attempt, steps)

    future.attach(attempt.run.pool.submit(work))
    return future


def map_over(task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> FutureList[Any]:
    """One submitted run for each item of the iterable arguments, taken together."""
    given = read(args, kwargs)
    parameters = as_parameters(bind(task.signature, task.name, given.args, given.kwargs))
    fixed = task.signature.bind_partial(*given.args, **given.kwargs).arguments
    columns = {name: _items(value) for name, value in parameters.items() if name in fixed and _is_column(value)}
    if not columns:
        raise ValueError(f"task {task.name!r} has nothing to map over: no argument is iterable (text, mappings and unmapped() are not)")
    lengths = {name: len(items) for name, items in columns.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise ValueError(f"task {task.name!r} cannot be mapped over arguments of different lengths: {said}; wrap fixed ones in unmapped()")
    futures: FutureList[Any] = FutureList()
    for index in range(next(iter(lengths.values()))):
        row = {name: columns[name][index] if name in columns else _unwrapped(value) for name, value in fixed.items()}
        bound = task.signature.bind_partial()
        bound.arguments.update(row)
        futures.append(submit(task, replace(given, args=bound.args, kwargs=bound.kwargs)))
    return futures


def _is_column(value: Any) -> bool:
    if isinstance(value, TaskFuture):
        return isinstance(value.final_state.data, Iterable) and not isinstance(value.final_state.data, (*_PLAIN, Mapping))
    return isinstance(value, Iterable) and not isinstance(value, (*_PLAIN, Mapping, Annotation))


def _items(value: Any) -> list[Any]:
    return list(value.result() if isinstance(value, TaskFuture) else value)


def _unwrapped(value: Any) -> Any:
    return value.value if isinstance(value, unmapped) else value


# --- one run --------------------------------------------------------------------------------------------------------------------------


def _begin(task: Task[..., Any], given: TaskCall) -> Attempt:
    bound = bind(task.signature, task.name, given.args, given.kwargs)
    around = current_run() or RunContext(FlowRun(id=""), None)
    key = around.next_key(task.task_key)
    log_prints = task.log_prints if task.log_prints is not None else around.log_prints
    flow_run_id = around.flow_run.id
    task_run = TaskRun(
        id=derived_id(flow_run_id, task.task_key, key) if flow_run_id else timed_id(),
        name=f"{task.name}-{key}",
        task_key=task.task_key,
        dynamic_key=key,
        flow_run_id=flow_run_id or None,
        tags=sorted({*task.tags, *around.flow_run.tags}),
        state=Pending(),
    )
    pool = around.pool if flow_run_id else _LOOSE
    return Attempt(task, replace(around, task_run=task_run, log_prints=log_prints, pool=pool), bound, state=Pending())


_LOOSE: Final = TaskPool()
"""Runs tasks that are submitted outside of flows."""


def _course(attempt: Attempt, given: TaskCall) -> Course:
    show_on_console()
    task_run: Any = attempt.subject
    task: Any = attempt.what
    announce(attempt)
    for future in futures_in([list(attempt.arguments.arguments.values()), given.wait_for]):
        yield After(future)
    try:
        attempt.arguments.arguments.update({name: resolved(value) for name, value in attempt.arguments.arguments.items()})
        _check_completed(given.wait_for)
    except UpstreamFailed as error:
        attempt.error = error
        enter(attempt, State(type=StateType.PENDING, name="NotReady", message=str(error), data=error))
        return
    task_run.parameters = as_parameters(attempt.arguments)
    task_run.name = task.run_name(task_run.parameters, task_run.name)
    yield from _cached(attempt, task, course(attempt))
    if attempt.state.is_completed():
        attempt.run.results.remember(attempt.state.data, task_run.id)


def _cached(attempt: Attempt, task: Task[..., Any], steps: Course) -> Course:
    """The steps, unless the result is known already; a new one is kept."""
    key = _cache_key(attempt, task)
    if key is None:
        yield from steps
        return
    from flowhand.sdk import task_cache  # only for tasks that are cached

    known = task_cache.read(key)
    if known is not None:
        enter(attempt, Completed(name="Cached", data=known[0]))
        yield from task.hooks_for(attempt.state)
        return
    yield from steps
    if attempt.state.is_completed():
        try:
            task_cache.write(key, attempt.state.data, task.cache_expiration)
        except (ValueError, OSError) as error:
            logger_of(attempt.run).warning("Not cached: %s", error)


def _cache_key(attempt: Attempt, task: Task[..., Any]) -> str | None:
    if task.cache_key_fn is None:
        return None
    parameters = as_parameters(attempt.arguments)
    assert attempt.run.task_run is not None
    try:
        return task.cache_key_fn(CacheContext(task, attempt.run.task_run, parameters), parameters)
    except Exception:  # noqa: BLE001  # user code meets ours
        logger_of(attempt.run).exception("The cache key could not be made; the task is run")
        return None


# --- futures among arguments ----------------------------------------------------------------------------------------------------------


def futures_in(value: Any) -> list[TaskFuture[Any]]:
    """The futures in a value, also inside of lists, tuples, sets and mappings."""
    found: list[TaskFuture[Any]] = []
    _walk(value, found.append, {})
    return found


def _walk(value: Any, visit: Callable[[TaskFuture[Any]], None], seen: dict[int, Any]) -> None:
    if isinstance(value, TaskFuture):
        visit(value)
    elif isinstance(value, (quote, *_PLAIN)) or id(value) in seen:
        return
    elif isinstance(value, Annotation):
        _walk(value.value, visit, seen)
    elif isinstance(value, (list, tuple, set, Mapping)):
        seen[id(value)] = value
        for item in value.values() if isinstance(value, Mapping) else value:
            _walk(item, visit, seen)


def resolved(value: Any, *, may_fail: bool = False) -> Any:
    """The value with results in place of futures. UpstreamFailed when one did not complete and may not have."""
    if isinstance(value, (TaskFuture, State)):
        return _result(value.final_state if isinstance(value, TaskFuture) else value, may_fail)
    if isinstance(value, quote):
        return value.value
    if isinstance(value, Annotation):
        return resolved(value.value, may_fail=may_fail or isinstance(value, allow_failure))
    if type(value) in (list, tuple, set) and futures_in(value):
        return type(value)(resolved(item, may_fail=may_fail) for item in value)
    if type(value) is dict and futures_in(value):
        return {key: resolved(item, may_fail=may_fail) for key, item in value.items()}
    return value


def _result(state: State, may_fail: bool) -> Any:
    if state.is_completed():
        return state.data
    if may_fail:
        return state.result(raise_on_failure=False)
    raise UpstreamFailed(f"Upstream task run did not reach a 'COMPLETED' state: it is {state.name}")


def _check_completed(wait_for: list[Any]) -> None:
    for item in wait_for:
        resolved(item)
