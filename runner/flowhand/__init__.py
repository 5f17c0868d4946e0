"""flowhand: a worker and runner that serves and executes flows.

Names are loaded on first use, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowhand.lazy import on_first_use

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

__getattr__ = on_first_use(
    __name__,
    {
        "flowhand.sdk.annotations": ("allow_failure", "quote", "unmapped"),
        "flowhand.sdk.doors": ("deploy", "run_deployment", "serve"),
        "flowhand.sdk.flow": ("Flow", "flow"),
        "flowhand.sdk.run_logging": ("get_run_logger",),
        "flowhand.sdk.states": ("State",),
        "flowhand.sdk.task": ("Task", "task"),
    },
)


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
