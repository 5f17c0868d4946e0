"""Infrastructure blocks, of older deployments: what executes their runs."""

from flowhand.blocks.credentials import DockerRegistry
from flowhand.blocks.infrastructure import DockerContainer, KubernetesClusterConfig, KubernetesJob, Process

__all__ = ["DockerContainer", "DockerRegistry", "KubernetesClusterConfig", "KubernetesJob", "Process"]
