"""What tests of whole systems share: a user of a real Prefect client, and the folder with a file's flows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.prefect_client import PrefectClient
from support.server import running_server
from support.worker import write_flows


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectClient]:
    """The client, in an environment of its own, at a server of ours."""
    folder = tmp_path_factory.mktemp("prefect")
    with running_server(folder / "server") as server:
        client = PrefectClient(server.url, folder / "user")
        yield client
        client.close()


@pytest.fixture(scope="module")
def code(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the flows of the test's file, its `FLOWS`."""
    return write_flows(tmp_path_factory.mktemp("code"), request.module.FLOWS)
