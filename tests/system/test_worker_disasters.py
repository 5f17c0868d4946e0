"""A disk that fills up and a database that is reset under a worker: what becomes of its runs, and what it says."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from support.cli import environment, flowhand
from support.server import RunningServer, running_server
from support.storage_servers import free_port
from support.worker import Api, running_worker, wait_for, write_flows

FLOWS = '''
import time

@flow
def quick():
    """Ends at once."""

@flow
def waits():
    """Goes on."""
    time.sleep(60)
'''


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 80 MiB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk takes root")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80m", "none", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(path: Path) -> None:
    """Writes until the disk is full."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(1 << 16)):
            pass


def test_a_disk_that_fills_up_while_a_claim_waits(server: RunningServer, small_disk: Path, tmp_path: Path) -> None:
    """The run is handed back unbegun, worker and doctor say which disk is full, and it is executed once there is room."""
    api = Api(server)
    api.pool("pool")
    quick = api.deploy("flows.py:quick", write_flows(tmp_path / "code", FLOWS))
    home = small_disk / "home"
    with running_worker(server, "--name", "w", home=home) as worker:
        wait_for(lambda: api.ended(api.run(quick))["state_name"] == "Completed", 30)  # from now on its claims wait
        fill(small_disk / "filler")
        run = api.run(quick)
        worker.says("Nothing is claimed")
        assert f"the disk of {home}" in worker.log
        wait_for(lambda: api.read(run)["state_type"] == "SCHEDULED", 10)
        found = flowhand("doctor", env=environment(home, server.url, COLUMNS="300"))
        assert (found.code, f"the disk of {home} has" in found.out) == (1, True), found
        (small_disk / "filler").unlink()
        ended = api.ended(run)
        assert (ended["state_name"], ended["run_count"]) == ("Completed", 1), ended["state"]


def test_a_database_that_is_reset_is_told_of(tmp_path: Path) -> None:
    """A worker whose pool has gone with it says so and leaves; the next one puts aside what it cannot tell any more, and names the file."""
    port = str(free_port())
    home = tmp_path / "home"
    with running_server(tmp_path / "first", "--port", port) as server:
        api = Api(server)
        api.pool("pool")
        with running_worker(server, "--name", "w", home=home) as worker:
            api.reaches(api.run(api.deploy("flows.py:waits", write_flows(tmp_path / "code", FLOWS))), "Running")
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
            with running_server(tmp_path / "second", "--port", port) as again:
                assert worker.process.wait(30) == 4, worker.log
                assert "work pool 'pool' not found: was it deleted, or the API's database reset?" in worker.log
                Api(again).pool("pool")
                with running_worker(again, "--name", "w", home=home) as next_one:
                    next_one.says("The API is another server or database than last time")
                    (aside,) = home.glob("instances/*/journal.*-*")
                    assert str(aside) in next_one.log
                    wait_for(lambda: not list(home.glob("instances/*/runs/*")), 20)
