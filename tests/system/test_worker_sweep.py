"""`flowhand worker sweep`: what a dead worker left behind is ended, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil

from support.server import running_server
from support.worker import Api, running_worker, wait_for, write_flows

FLOWS = """
import subprocess, time
from pathlib import Path

@flow
def leaves(folder: str):
    child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    (Path(folder) / "stray").write_text(str(child.pid))
    time.sleep(1000)
"""


def sweep(home: Path, *options: str) -> dict[str, list[dict[str, object]]]:
    """Runs the command; what it says in JSON."""
    command = [sys.executable, "-m", "flowhand", "worker", "sweep", "-o", "json", *options]
    done = subprocess.run(command, env={**os.environ, "FLOWHAND_HOME": str(home)}, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_grandchild_of_a_dead_worker_is_found_and_ended(tmp_path: Path) -> None:
    """Daemon and keeper are killed; the grandchild in its own session lives on until the sweep."""
    code, home, folder = write_flows(tmp_path / "code", FLOWS), tmp_path / "home", tmp_path / "run"
    folder.mkdir()
    with running_server(tmp_path / "server") as server:
        api = Api(server)
        api.pool("pool")
        with running_worker(server, home=home) as worker:
            run = api.run(api.deploy("flows.py:leaves", code), parameters={"folder": str(folder)})
            wait_for((folder / "stray").exists, 30)
            assert sweep(home)["ended"] == []
            keeper = worker.keeper()
            worker.process.kill()
            worker.process.wait()
            keeper.kill()
            stray = int((folder / "stray").read_text())
            wait_for(lambda: len(worker.processes()) == 0, 10)
            assert psutil.pid_exists(stray)
            assert {"pid": stray, "flow_run_id": run} in sweep(home, "--dry-run")["ended"]
            assert psutil.pid_exists(stray)
            assert {"pid": stray, "flow_run_id": run} in sweep(home)["ended"]
            wait_for(lambda: not psutil.pid_exists(stray) or psutil.Process(stray).status() == psutil.STATUS_ZOMBIE, 5)
