"""The server that tests of the REST contract speak to: once on SQLite, once on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.cli import Do, Ended, environment, flowhand
from support.databases import prepared_database
from support.docker_engine import Engine, docker_engine
from support.rest import Rest
from support.server import RunningServer, running_server


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def api_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server on a database of its own."""
    environ: dict[str, str] = {}
    if request.param == "postgresql":
        environ["FLOWHAND_SERVER_DATABASE_URL"] = prepared_database(request.getfixturevalue("postgres_url"))
    with running_server(tmp_path_factory.mktemp("home"), environ=environ) as server:
        yield server


@pytest.fixture(scope="module")
def rest(api_server: RunningServer) -> Iterator[Rest]:
    """A user of that server."""
    user = Rest(api_server.url)
    yield user
    user.http.close()


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """A real container engine with a registry beside it."""
    with docker_engine() as found:
        yield found


@pytest.fixture
def env(server: RunningServer, tmp_path: Path) -> dict[str, str]:
    """An environment for commands that names the server."""
    return environment(tmp_path, server.url)


@pytest.fixture
def do(env: dict[str, str]) -> Do:
    """Runs a command that must end with a code, 0 unless told."""

    def go(*words: str, code: int = 0) -> Ended:
        ended = flowhand(*words, env=env)
        assert ended.code == code, ended
        return ended

    return go
