"""Flows, under the path that users of Prefect know. What loads flows is itself loaded on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from flowhand.sdk.doors import serve
from flowhand.sdk.flow import Flow, flow

if TYPE_CHECKING:
    from flowhand.deployments.placeholders import load_flow_from_entrypoint
    from flowhand.deployments.run_loading import load_flow_from_flow_run

__all__ = ["Flow", "flow", "load_flow_from_entrypoint", "load_flow_from_flow_run", "serve"]

_HOMES = {
    "load_flow_from_entrypoint": "flowhand.deployments.placeholders",
    "load_flow_from_flow_run": "flowhand.deployments.run_loading",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'flowhand.flows' has no attribute {name!r}")
    return getattr(import_module(home), name)
