"""Deployments of flows, under the path that users of Prefect know."""

from flowhand.deployments.runner_deployment import ConcurrencyLimit, RunnerDeployment
from flowhand.errors import DeploymentApplyError
from flowhand.sdk.doors import deploy

__all__ = ["ConcurrencyLimit", "DeploymentApplyError", "RunnerDeployment", "deploy"]
