"""flowhand: a worker and runner that serves and executes flows.

Names are loaded on first use, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowhand.sdk.annotations import allow_failure, quote, unmapped
    from flowhand.sdk.doors import deploy, run_deployment, serve
    from flowhand.sdk.flow import Flow, flow
    from flowhand.sdk.run_logging import get_run_logger
    from flowhand.sdk.states import State
    from flowhand.sdk.task import Task, task

__all__ = [
    "Flow",
    "State",
    "Task",
    "allow_failure",
    "deploy",
    "flow",
    "get_run_logger",
    "quote",
    "run_deployment",
    "serve",
    "task",
    "unmapped",
]

_HOMES = {
    "Flow": "flowhand.sdk.flow",
    "State": "flowhand.sdk.states",
    "Task": "flowhand.sdk.task",
    "allow_failure": "flowhand.sdk.annotations",
    "deploy": "flowhand.sdk.doors",
    "flow": "flowhand.sdk.flow",
    "get_run_logger": "flowhand.sdk.run_logging",
    "quote": "flowhand.sdk.annotations",
    "run_deployment": "flowhand.sdk.doors",
    "serve": "flowhand.sdk.doors",
    "task": "flowhand.sdk.task",
    "unmapped": "flowhand.sdk.annotations",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'flowhand' has no attribute {name!r}")
    found = getattr(import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
