"""What makes, reads and runs deployments, under the path that users of Prefect know."""

from flowhand.deployments.deployment import Deployment
from flowhand.deployments.deployment_files import load_deployments_from_yaml
from flowhand.deployments.run_loading import load_flow_from_flow_run
from flowhand.sdk.doors import run_deployment

__all__ = ["Deployment", "load_deployments_from_yaml", "load_flow_from_flow_run", "run_deployment"]
