"""The steps of project files that build and push an image."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from flowhand.deployments.images.deployment_image import DeploymentImage
from flowhand.deployments.images.engine import engine
from flowhand.errors import FlowhandError
from flowhand_storage.errors import StepError
from flowhand_storage.steps.progress import StepRun


def build_docker_image(
    run: StepRun,
    *,
    image_name: str,
    tag: str | None = None,
    dockerfile: str = "Dockerfile",
    additional_tags: list[str] | None = None,
    ignore_cache: bool = False,
    **build_kwargs: Any,
) -> dict[str, Any]:
    """Build an image from the working directory; `auto` for a generated Dockerfile. What else is given goes to the Docker SDK.

    Puts out `image_name`, `tag`, `image` (both together), `image_id` and `additional_tags`. `ignore_cache` is accepted and unused: the
    same steps are carried out once for all deployments that have them.
    """
    with _as_steps_fail():
        image = DeploymentImage(image_name, tag, dockerfile, **build_kwargs)
        image.build()
        with engine() as client:
            built = client.images.get(image.reference)
            for more in additional_tags or ():
                built.tag(image.name, more)
    run.log(f"built image {image.reference}")
    return {**_outputs(image, additional_tags), "image_id": built.id}


def push_docker_image(
    run: StepRun,
    *,
    image_name: str,
    tag: str | None = None,
    credentials: dict[str, Any] | None = None,
    additional_tags: list[str] | None = None,
    ignore_cache: bool = False,
) -> dict[str, Any]:
    """Push an image that was built. `credentials` have `username` and `password`; without them those of `docker login` are
    used. Puts out what `build_docker_image` does, but for the id.
    """
    with _as_steps_fail():
        image = DeploymentImage(image_name, tag or "latest")
        for tagged in (image, *(DeploymentImage(image.name, more) for more in additional_tags or ())):
            tagged.push(credentials)
            run.log(f"pushed image {tagged.reference}")
    return _outputs(image, additional_tags)


@contextmanager
def _as_steps_fail() -> Generator[None, None, None]:
    """Errors become those by which whoever carries out steps knows that one has failed."""
    try:
        yield
    except (FlowhandError, FileNotFoundError, TypeError, ValueError) as error:
        raise StepError(str(error)) from None


def _outputs(image: DeploymentImage, additional_tags: list[str] | None) -> dict[str, Any]:
    return {"image_name": image.name, "tag": image.tag, "image": image.reference, "additional_tags": additional_tags or []}
