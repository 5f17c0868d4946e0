"""The current task run: `from flowhand.runtime import task_run; task_run.name`. Read anew at each access."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flowhand.sdk.context import current_run
from flowhand.sdk.task_run import TaskRun

if TYPE_CHECKING:
    id: str | None  # noqa: A001  # the name that users know
    name: str | None
    task_name: str | None
    parameters: dict[str, Any]
    tags: list[str]
    run_count: int

_READ: dict[str, Callable[[TaskRun], Any]] = {
    "id": lambda run: run.id,
    "name": lambda run: run.name,
    "task_name": lambda run: run.task_key.rpartition(".")[2],
    "parameters": lambda run: run.parameters,
    "tags": lambda run: run.tags,
    "run_count": lambda run: run.run_count,
}
_OUTSIDE: dict[str, Callable[[], Any]] = {"parameters": dict, "tags": list, "run_count": int}

__all__ = list(_READ)  # pyright: ignore[reportUnsupportedDunderAll]  # read by __getattr__


def __getattr__(attribute: str) -> Any:
    read = _READ.get(attribute)
    if read is None:
        raise AttributeError(f"flowhand.runtime.task_run has no {attribute!r}; it has {', '.join(_READ)}")
    run = current_run()
    if run is None or run.task_run is None:
        return _OUTSIDE.get(attribute, lambda: None)()
    return read(run.task_run)
