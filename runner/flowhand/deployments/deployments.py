"""What runs deployments, under the path that users of Prefect know."""

from flowhand.sdk.doors import run_deployment

__all__ = ["run_deployment"]
