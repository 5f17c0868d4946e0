"""Deployments of flows, under the path that users of Prefect know."""

from flowhand.deployments.images.deployment_image import DeploymentImage, DockerImage
from flowhand.deployments.runner_deployment import ConcurrencyLimit, RunnerDeployment
from flowhand.errors import DeploymentApplyError, PushError
from flowhand.sdk.doors import deploy

__all__ = ["ConcurrencyLimit", "DeploymentApplyError", "DeploymentImage", "DockerImage", "PushError", "RunnerDeployment", "deploy"]
