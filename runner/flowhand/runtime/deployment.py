"""The deployment of the current run: `from flowhand.runtime import deployment; deployment.name`. Read anew at each access."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flowhand.sdk.context import RunContext, current_run

if TYPE_CHECKING:
    id: str | None  # noqa: A001  # the name that users know
    name: str | None
    version: str | None
    flow_run_id: str | None
    parameters: dict[str, Any]

_READ: dict[str, Callable[[RunContext], Any]] = {
    "id": lambda run: run.flow_run.deployment_id,
    "name": lambda run: run.flow_run.deployment_name,
    "version": lambda run: run.flow_run.deployment_version,
    "flow_run_id": lambda run: run.flow_run.id,
    "parameters": lambda run: run.flow_run.parameters,
}

__all__ = list(_READ)  # pyright: ignore[reportUnsupportedDunderAll]  # read by __getattr__


def __getattr__(attribute: str) -> Any:
    read = _READ.get(attribute)
    if read is None:
        raise AttributeError(f"flowhand.runtime.deployment has no {attribute!r}; it has {', '.join(_READ)}")
    run = current_run()
    if run is None:
        return {} if attribute == "parameters" else None
    return read(run)
