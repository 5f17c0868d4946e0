"""Flows, under the path that users of Prefect know. What loads flows is itself loaded on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowhand.lazy import on_first_use
from flowhand.sdk.doors import serve
from flowhand.sdk.flow import Flow, flow

if TYPE_CHECKING:
    from flowhand.deployments.placeholders import load_flow_from_entrypoint
    from flowhand.deployments.run_loading import load_flow_from_flow_run

__all__ = ["Flow", "flow", "load_flow_from_entrypoint", "load_flow_from_flow_run", "serve"]

__getattr__ = on_first_use(
    __name__,
    {
        "flowhand.deployments.placeholders": ("load_flow_from_entrypoint",),
        "flowhand.deployments.run_loading": ("load_flow_from_flow_run",),
    },
)
