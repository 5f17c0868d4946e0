"""The API against its own description: whatever a request holds, the server answers it without an error of its own.

Schemathesis makes requests, valid and not, from `/openapi.json`. Always the same ones here, and not for long; `make fuzz` makes others, for
as long as it is told.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from support.databases import prepared_database
from support.server import RunningServer, running_server

SECONDS: Final = os.environ.get("FLOWHAND_TEST_FUZZ_SECONDS")
"""For each database; unset: the short run with requests that are always the same."""
PROGRAM: Final = Path(sys.executable).with_name("schemathesis")
SHORT: Final = ("--max-time", "20", "--max-examples", "3", "--generation-deterministic", "--phases", "coverage,fuzzing")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(60 + 2 * int(SECONDS or 60))]


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningServer]:
    """One with a database of its own."""
    environ: dict[str, str] = {}
    if request.param == "postgresql":
        environ["FLOWHAND_SERVER_DATABASE_URL"] = prepared_database(request.getfixturevalue("postgres_url"))
    with running_server(tmp_path, environ=environ) as running:
        yield running


def test_no_request_makes_the_server_fail(server: RunningServer, tmp_path: Path) -> None:
    """No answer of 500 or above, and no traceback in the server's log."""
    long = ("--max-time", SECONDS or "", "--phases", "coverage,fuzzing,stateful", "--generation-database", "none")
    address = server.url.removesuffix("/api") + "/openapi.json"
    quiet = ("--no-color", "--warnings", "off", "--no-shrink", "--continue-on-failure")
    command = [str(PROGRAM), "run", address, "--checks", "not_a_server_error", *(long if SECONDS else SHORT), *quiet]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    assert "Traceback" not in server.log
