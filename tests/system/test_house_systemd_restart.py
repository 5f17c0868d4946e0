"""The worker's unit under a real systemd: ready, restart, reload and stop are what docs/operations.md says."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from support.server import RunningServer, running_server
from support.systemd_user import Manager, user_manager
from support.worker import Api, wait_for, write_flows

UNIT_FILE = Path(__file__).parents[2] / "systemd" / "flowhand-worker@.service"
UNIT = "flowhand-worker@pool.service"

FLOWS = '''
import os, subprocess, time
from pathlib import Path

@flow(log_prints=True)
def waits(folder: str):
    """Runs until it may end."""
    (Path(folder) / "pid").write_text(str(os.getpid()))
    print("began")
    while not (Path(folder) / "go").exists():
        time.sleep(0.02)
    print("went on")

@flow
def leaves(folder: str):
    """Has a process in a session of its own, which no death signal reaches."""
    other = subprocess.Popen(["sh", "-c", "sleep 300 & echo $! >$0/pid; wait", folder], start_new_session=True)
    other.wait()
'''

# A user manager runs as one user and cannot make the mount namespaces that some of the hardening wants.
DROP_IN = """
[Service]
User=
Group=
StateDirectory=
ProtectSystem=no
ProtectKernelModules=no
ProtectKernelTunables=no
ProtectKernelLogs=no
ProtectClock=no
ProtectHostname=no
WorkingDirectory={home}
EnvironmentFile=
Environment=FLOWHAND_HOME={home} FLOWHAND_API_URL={url}
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path, since sockets are in it."""
    with tempfile.TemporaryDirectory(prefix="fhs-") as path:
        yield Path(path)


@pytest.fixture
def server(folder: Path) -> Iterator[RunningServer]:
    """A server with a pool."""
    with running_server(folder / "server") as found:
        Api(found).pool("pool")
        yield found


@pytest.fixture
def manager(folder: Path, server: RunningServer) -> Iterator[Manager]:
    """A systemd that knows our unit; nothing of the unit is left afterwards."""
    home = folder / "home"
    home.mkdir(mode=0o700)
    with user_manager(folder) as found:
        worker = Path(sys.executable).parent / "worker"
        (found.units / UNIT_FILE.name).write_text(UNIT_FILE.read_text().replace("/opt/flowhand/bin/worker", str(worker)))
        (found.units / f"{UNIT_FILE.name}.d").mkdir()
        (found.units / f"{UNIT_FILE.name}.d" / "test.conf").write_text(DROP_IN.format(home=home, url=server.url))
        found.ctl("daemon-reload")
        try:
            yield found
        finally:
            for process in of_home(home):
                process.kill()


def of_home(home: Path) -> list[psutil.Process]:
    """The processes that a worker of this home has started, and itself."""
    wanted = f"FLOWHAND_HOME={home}"
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and wanted in (f"{name}={value}" for name, value in process.environ().items()):
                found.append(process)
        except psutil.Error:  # gone meanwhile
            continue
    return found


def sessions(home: Path) -> list[str]:
    """The session of each instance; every start of a daemon opens a new one."""
    return [json.loads(path.read_text())["session"] for path in home.glob("instances/*/stamp.json")]


def test_a_run_outlives_restart_and_reload_and_a_stop_leaves_nothing(manager: Manager, server: RunningServer, folder: Path) -> None:
    """`start` returns when it claims; `restart` and `reload` leave the run's process alone and adopt it; `stop` drains."""
    api = Api(server)
    run = api.run(api.deploy("flows.py:waits", write_flows(folder / "code", FLOWS)), parameters={"folder": str(folder)})

    manager.ctl("start", UNIT)
    assert manager.show(UNIT, "StatusText") == "serving pool"
    api.reaches(run, "Running")
    wait_for((folder / "pid").exists, 10)
    process = psutil.Process(int((folder / "pid").read_text()))

    first = manager.show(UNIT, "MainPID")
    manager.ctl("restart", UNIT)
    second = manager.show(UNIT, "MainPID")
    assert second != first
    assert process.is_running()

    before = sessions(folder / "home")
    manager.ctl("reload", UNIT)
    wait_for(lambda: sessions(folder / "home") != before, 30, lambda: "the program was not executed anew")
    assert manager.show(UNIT, "MainPID") == second
    assert process.is_running()

    (folder / "go").touch()
    assert api.ended(run)["state_name"] == "Completed"
    assert api.states(run).count("Running") == 1
    assert [line for line in api.logs(run) if line in ("began", "went on")] == ["began", "went on"]

    manager.ctl("stop", UNIT)
    assert manager.show(UNIT, "Result") == "success"
    wait_for(lambda: not of_home(folder / "home"), 20, lambda: f"left behind: {of_home(folder / 'home')}")


def test_what_runs_left_behind_is_ended_after_a_failure(manager: Manager, server: RunningServer, folder: Path) -> None:
    """Daemon and keeper are killed at once, and nothing starts the worker again: the unit itself sweeps."""
    (manager.units / f"{UNIT_FILE.name}.d" / "alone.conf").write_text("[Service]\nRestart=no\n")
    manager.ctl("daemon-reload")
    api = Api(server)
    api.run(api.deploy("flows.py:leaves", write_flows(folder / "code", FLOWS)), parameters={"folder": str(folder)})
    manager.ctl("start", UNIT)
    wait_for(lambda: (folder / "pid").exists() and (folder / "pid").read_text().endswith("\n"), 20)
    stray = psutil.Process(int((folder / "pid").read_text()))
    daemon = psutil.Process(int(manager.show(UNIT, "MainPID")))
    keeper = next(process for process in of_home(folder / "home") if process.ppid() == daemon.pid)
    daemon.suspend()  # it would end the stray itself
    keeper.kill()
    daemon.kill()
    wait_for(lambda: manager.show(UNIT, "ActiveState") == "failed", 20, step_s=0.1)
    assert not stray.is_running()
    assert of_home(folder / "home") == []
