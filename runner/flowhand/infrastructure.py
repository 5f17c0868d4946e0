"""Infrastructure blocks, of older deployments: what executes their runs."""

from flowhand.blocks.infrastructure import DockerContainer, KubernetesClusterConfig, KubernetesJob, Process

__all__ = ["DockerContainer", "KubernetesClusterConfig", "KubernetesJob", "Process"]
