"""Flows, under the path that users of Prefect know."""

from flowhand.sdk.doors import serve
from flowhand.sdk.flow import Flow, flow
from flowhand.sdk.loading import load_flow as load_flow_from_entrypoint

__all__ = ["Flow", "flow", "load_flow_from_entrypoint", "serve"]
