"""Deployments: what runs, where, when, and with what. Names are loaded on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

_HOMES = {
    "ConcurrencyLimit": "flowhand.deployments.runner_deployment",
    "Deployment": "flowhand.deployments.deployment",
    "DeploymentApplyError": "flowhand.errors",
    "DeploymentImage": "flowhand.deployments.images.deployment_image",
    "DockerImage": "flowhand.deployments.images.deployment_image",
    "PushError": "flowhand.errors",
    "RunnerDeployment": "flowhand.deployments.runner_deployment",
    "deploy": "flowhand.sdk.doors",
    "load_deployments_from_yaml": "flowhand.deployments.deployment_files",
    "load_flow_from_flow_run": "flowhand.deployments.run_loading",
    "run_deployment": "flowhand.sdk.doors",
    "serve": "flowhand.sdk.doors",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'flowhand.deployments' has no attribute {name!r}")
    return getattr(import_module(home), name)
