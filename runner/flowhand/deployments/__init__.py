"""Deployments: what runs, where, when, and with what. Names are loaded on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowhand.lazy import on_first_use

if TYPE_CHECKING:
    from flowhand.deployments.deployment import Deployment
    from flowhand.deployments.deployment_files import load_deployments_from_yaml
    from flowhand.deployments.images.deployment_image import DeploymentImage, DockerImage
    from flowhand.deployments.run_loading import load_flow_from_flow_run
    from flowhand.deployments.runner_deployment import ConcurrencyLimit, RunnerDeployment
    from flowhand.errors import DeploymentApplyError, PushError
    from flowhand.sdk.doors import deploy, run_deployment, serve

__all__ = [
    "ConcurrencyLimit",
    "Deployment",
    "DeploymentApplyError",
    "DeploymentImage",
    "DockerImage",
    "PushError",
    "RunnerDeployment",
    "deploy",
    "load_deployments_from_yaml",
    "load_flow_from_flow_run",
    "run_deployment",
    "serve",
]

__getattr__ = on_first_use(
    __name__,
    {
        "flowhand.deployments.deployment": ("Deployment",),
        "flowhand.deployments.deployment_files": ("load_deployments_from_yaml",),
        "flowhand.deployments.images.deployment_image": ("DeploymentImage", "DockerImage"),
        "flowhand.deployments.run_loading": ("load_flow_from_flow_run",),
        "flowhand.deployments.runner_deployment": ("ConcurrencyLimit", "RunnerDeployment"),
        "flowhand.errors": ("DeploymentApplyError", "PushError"),
        "flowhand.sdk.doors": ("deploy", "run_deployment", "serve"),
    },
)
