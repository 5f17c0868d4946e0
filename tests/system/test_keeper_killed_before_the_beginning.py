"""A keeper that is killed while a run loads its flow, under `crash`: what has surely not begun is begun again, and nothing else."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.server import RunningServer, running_server
from support.worker import Api, RunningWorker, running_worker, wait_for, write_flows

FLOWS = '''
import time
from pathlib import Path

Path("loading").touch()
while Path("hold").exists():
    time.sleep(0.005)

@flow
def counts():
    """Leaves a trace of each time it is begun."""
    with open("began", "a") as file:
        file.write(".")
    while not Path("go").exists():
        time.sleep(0.005)
'''
QUICK = {"FLOWHAND_WORKER_HEARTBEAT": "0.5", "FLOWHAND_WORKER_MARGIN": "1", "FLOWHAND_WORKER_GRACE": "1"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with a pool."""
    with running_server(tmp_path_factory.mktemp("server")) as found:
        Api(found).pool("pool")
        yield found


class _Loading:
    """A run whose process loads its flow, until it may go on."""

    def __init__(self, server: RunningServer, folder: Path) -> None:
        self.folder = write_flows(folder / "code", FLOWS)
        (self.folder / "hold").touch()
        self.api = Api(server)
        self.run = self.api.run(self.api.deploy("flows.py:counts", self.folder), job_variables={"crash_policy": "crash"})
        wait_for((self.folder / "loading").exists, 30)

    def goes_on(self) -> None:
        """Its flow is loaded, and ends as soon as it has begun."""
        (self.folder / "go").touch()
        (self.folder / "hold").unlink()

    def begun(self) -> int:
        """How often the flow's code has begun."""
        told = self.folder / "began"
        return len(told.read_text()) if told.exists() else 0


@pytest.fixture
def worker(server: RunningServer, tmp_path: Path) -> Iterator[RunningWorker]:
    """A worker with short times."""
    with running_worker(server, "--name", "w", home=tmp_path / "home", environ=QUICK) as found:
        yield found


def test_what_has_not_begun_is_begun_again(server: RunningServer, worker: RunningWorker, tmp_path: Path) -> None:
    """Nothing of the flow has happened, so its run is handed back, and counted as interrupted."""
    loading = _Loading(server, tmp_path)
    worker.keeper().kill()
    wait_for(lambda: loading.api.states(loading.run).count("Pending") == 2, 10)
    loading.goes_on()
    assert loading.api.ended(loading.run)["state_name"] == "Completed"
    assert loading.begun() == 1
    assert loading.api.states(loading.run) == ["Scheduled", "Pending", "Scheduled", "Pending", "Running", "Completed"]


def test_the_next_daemon_knows_it_as_well(server: RunningServer, worker: RunningWorker, tmp_path: Path) -> None:
    """The daemon is killed first, then the keeper: what it has left is found by the daemon that comes."""
    loading = _Loading(server, tmp_path)
    keeper = worker.keeper()
    worker.process.kill()
    worker.process.wait()
    keeper.kill()
    keeper.wait(10)
    loading.goes_on()
    with running_worker(server, "--name", "w", home=tmp_path / "home", environ=QUICK):
        assert loading.api.ended(loading.run)["state_name"] == "Completed"
    assert loading.begun() == 1


def test_what_may_have_begun_is_crashed(server: RunningServer, worker: RunningWorker, tmp_path: Path) -> None:
    """The keeper is suspended before the run says that it begins, and never reads it."""
    loading = _Loading(server, tmp_path)
    keeper = worker.keeper()
    keeper.send_signal(signal.SIGSTOP)
    (loading.folder / "hold").unlink()
    wait_for(lambda: loading.begun() == 1, 10)
    keeper.kill()
    assert loading.api.ended(loading.run)["state_name"] == "Crashed"
    assert loading.begun() == 1
