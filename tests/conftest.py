"""What every test shares."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from support.ci_skips import pytest_make_collect_report, pytest_runtest_makereport
from support.databases import postgres_server
from support.order import pytest_collection_modifyitems
from support.server import RunningServer, running_server
from support.worker import Api

__all__ = ["anyio_backend", "pytest_collection_modifyitems", "pytest_make_collect_report", "pytest_runtest_makereport"]


def pytest_configure() -> None:
    """A shell without job control has what it begins in the background ignore Ctrl-C, and all that tests start would ignore it, too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def anyio_backend() -> str:
    """The loop our programs run on."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server of the tests' own."""
    with postgres_server(tmp_path_factory.mktemp("postgres")) as url:
        yield url


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server as it comes, on SQLite; each test of a file uses names of its own."""
    with running_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def api(server: RunningServer) -> Api:
    """The API of the file's server, to set things up and to look behind what is tested."""
    return Api(server)
