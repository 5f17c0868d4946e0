"""A user of a real Prefect client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.prefect_client import PrefectClient
from support.server import running_server


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectClient]:
    """The client, in an environment of its own, at a server of ours."""
    folder = tmp_path_factory.mktemp("prefect")
    with running_server(folder / "server") as server:
        client = PrefectClient(server.url, folder / "user")
        yield client
        client.close()
