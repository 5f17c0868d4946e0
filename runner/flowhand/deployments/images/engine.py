"""The container engine that builds and pushes, through the Docker SDK."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from flowhand.errors import EngineUnavailable

if TYPE_CHECKING:
    from docker import DockerClient

_TIMEOUT_S: Final = 600
"""Without a word from the engine: a step of a build may say nothing for minutes."""


@contextmanager
def engine(timeout_s: int = _TIMEOUT_S) -> Generator[DockerClient, None, None]:
    """The engine of DOCKER_HOST, else of the context in use, else of this machine. EngineUnavailable when none answers.

    `timeout_s` is how long each call waits for the engine's next word.
    """
    import docker  # 150 ms, and only images want it
    from docker.errors import DockerException
    from requests import RequestException

    try:
        client = docker.from_env(timeout=timeout_s)
        client.ping()
    except (DockerException, RequestException) as error:
        raise EngineUnavailable(f"no container engine answers: {_cause(error)}; start one, or name it in DOCKER_HOST") from error
    try:
        yield client
    finally:
        client.close()


@contextmanager
def answering() -> Generator[None, None, None]:
    """EngineUnavailable for what goes wrong on the way to the engine. What it refuses is passed on: docker.errors.APIError."""
    from docker.errors import APIError, DockerException  # see `engine`
    from requests import RequestException  # the Docker SDK lets these through
    from requests.exceptions import ChunkedEncodingError

    try:
        yield
    except APIError:  # is both of the others, too
        raise
    except (DockerException, RequestException) as error:
        why = "it hung up in the middle of an answer" if isinstance(error, ChunkedEncodingError) else _cause(error)
        raise EngineUnavailable(f"the container engine does not answer: {why}") from error


def _cause(error: BaseException) -> str:
    """What the system said first; what libraries made of it on the way says less."""
    while (before := error.__cause__ or error.__context__) is not None:
        error = before
    return str(error)
