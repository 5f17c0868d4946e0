"""The current flow run: `from flowhand.runtime import flow_run; flow_run.name`. Read anew at each access."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flowhand.sdk.context import RunContext, current_run

if TYPE_CHECKING:
    id: str | None  # noqa: A001  # the name that users know
    name: str | None
    flow_name: str | None
    flow_version: str | None
    parameters: dict[str, Any]
    tags: list[str]
    run_count: int
    scheduled_start_time: datetime
    parent_flow_run_id: str | None
    api_url: str | None
    ui_url: str | None
    job_variables: dict[str, Any]

_READ: dict[str, Callable[[RunContext], Any]] = {
    "id": lambda run: run.flow_run.id or None,
    "name": lambda run: run.flow_run.name or None,
    "flow_name": lambda run: run.flow_run.flow_name,
    "flow_version": lambda run: run.flow_run.flow_version,
    "parameters": lambda run: run.flow_run.parameters,
    "tags": lambda run: run.flow_run.tags,
    "run_count": lambda run: run.flow_run.run_count,
    "scheduled_start_time": lambda run: run.flow_run.expected_start_time,
    "parent_flow_run_id": lambda run: run.flow_run.parent_flow_run_id,
    "api_url": lambda run: f"{run.api_url}/flow_runs/{run.flow_run.id}" if run.api_url else None,
    "ui_url": lambda run: f"{run.api_url.removesuffix('/api')}/runs/flow-run/{run.flow_run.id}" if run.api_url else None,
    "job_variables": lambda run: run.flow_run.job_variables,
}
_OUTSIDE: dict[str, Callable[[], Any]] = {
    "parameters": dict,
    "tags": list,
    "job_variables": dict,
    "run_count": int,
    "scheduled_start_time": lambda: datetime.now(UTC),
}

__all__ = list(_READ)  # pyright: ignore[reportUnsupportedDunderAll]  # read by __getattr__


def __getattr__(attribute: str) -> Any:
    read = _READ.get(attribute)
    if read is None:
        raise AttributeError(f"flowhand.runtime.flow_run has no {attribute!r}; it has {', '.join(_READ)}")
    run = current_run()
    return _OUTSIDE.get(attribute, lambda: None)() if run is None else read(run)
