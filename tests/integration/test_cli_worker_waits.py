"""A worker that is started before its API."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

from support.cli import COMMAND, environment, flowhand
from support.server import running_server
from support.worker import wait_for


def test_a_worker_waits_for_an_api_that_is_not_up_yet(tmp_path: Path) -> None:
    """It says what it waits for, and claims as soon as the API is there: a host that boots starts both at once."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = environment(tmp_path / "worker", f"http://127.0.0.1:{port}/api", FLOWHAND_LOG_FORMAT="json")
    log = tmp_path / "log"
    with log.open("wb") as out:
        worker = subprocess.Popen([COMMAND, "worker", "start", "--pool", "early"], env=env, stdout=out, stderr=out, cwd="/")
    try:
        wait_for(lambda: "Waiting for the API" in log.read_text(), 30, log.read_text)
        with running_server(tmp_path / "server", "--port", str(port)):
            wait_for(lambda: '"Claiming"' in log.read_text(), 60, log.read_text)
            pools = flowhand("work-pool", "ls", "-o", "json", env=env).json
            assert [pool["name"] for pool in pools] == ["early"]
            worker.terminate()
            assert worker.wait(30) == 0
    finally:
        worker.kill()
        worker.wait()


def test_a_worker_with_a_wrong_address_ends(tmp_path: Path) -> None:
    """Waiting does not mend a configuration: the exit code is 2 and the line says what is wrong."""
    with running_server(tmp_path / "server") as server:
        env = environment(tmp_path / "worker", server.url.removesuffix("/api"))
        ended = flowhand("worker", "start", "--pool", "p", env=env)
    assert ended.code == 2, ended
    assert "FLOWHAND_API_URL" in ended.err
