"""Images, under the path that users of Prefect 3 know."""

from flowhand.deployments.images.deployment_image import DockerImage

__all__ = ["DockerImage"]
