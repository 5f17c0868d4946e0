"""The container engine that builds and pushes, through the Docker SDK."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flowhand.errors import EngineUnavailable

if TYPE_CHECKING:
    from docker import DockerClient

_TIMEOUT_S = 600
"""Without a word from the engine: a step of a build may say nothing for minutes."""


@contextmanager
def engine() -> Generator[DockerClient, None, None]:
    """The engine of DOCKER_HOST, else of the context in use, else of this machine. EngineUnavailable when none answers."""
    import docker  # 150 ms, and only images want it
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=_TIMEOUT_S)
        client.ping()
    except DockerException as error:
        raise EngineUnavailable(f"no container engine answers: {_cause(error)}; start one, or name it in DOCKER_HOST") from error
    try:
        yield client
    finally:
        client.close()


def _cause(error: BaseException) -> str:
    """What the system said first; what libraries made of it on the way says less."""
    while (before := error.__cause__ or error.__context__) is not None:
        error = before
    return str(error)
