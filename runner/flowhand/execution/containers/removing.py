"""Removing containers that somebody else may be removing, too: the engine, whoever stands for them, or a user."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from flowhand.deployments.images.engine import answering
from flowhand.errors import EngineUnavailable

if TYPE_CHECKING:
    from docker import DockerClient

GONE: Final = (404, 409)
"""What the engine answers about a container that is not there, or is being removed already."""
PATIENCE_S: Final = 10
"""How long an engine that hangs may hold up whoever only removes."""


def labelled(client: DockerClient, label: str) -> list[Any]:
    """All containers with that label (`name=value`), running or not. EngineUnavailable in words."""
    from docker.errors import APIError  # 150 ms, and only containers want it

    try:
        with answering():
            return client.containers.list(all=True, filters={"label": label}, ignore_removed=True)
    except APIError as error:
        raise EngineUnavailable(f"the container engine does not list its containers: {error.explanation or error}") from error


def remove(container: Any) -> str | None:
    """Kills and removes it, with the volumes that nobody named: None, else why the engine refuses. Idempotent.

    EngineUnavailable when it does not answer.
    """
    from docker.errors import APIError  # see `labelled`

    try:
        with answering():
            container.remove(force=True, v=True)
    except APIError as error:
        return None if error.status_code in GONE else f"container {container.name} cannot be removed: {error.explanation or error}"
    return None


def discard(container: Any) -> None:
    """The same for whoever has something else to say: what goes wrong is told on stderr, and that is all."""
    try:
        refused = remove(container)
    except EngineUnavailable as error:
        refused = f"container {container.name} could not be removed: {error}"
    if refused is not None:
        sys.stderr.write(f"{refused}\n")
