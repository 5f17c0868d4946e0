"""What users of such systems suffer from, on a real worker: a run that is deleted, that never lets go of the interpreter, that needs all
memory, that is cancelled when it has ended, whose code breaks whatever imports it; and a supervisor that must know a deaf worker."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from support.server import RunningServer, running_server
from support.worker import Api, RunningWorker, running_worker, wait_for

FLOWS = '''
import ctypes, os, sys, threading, time
from pathlib import Path

Path(__file__).with_name(f"imported-{os.getpid()}").touch()
weight = int(Path("/proc/self/oom_score_adj").read_text())

@flow
def waits(folder: str):
    """Goes on."""
    (Path(folder) / "began").write_text(str(os.getpid()))
    time.sleep(60)

@flow
def hogs(seconds: float):
    """Holds the interpreter's lock in C code: no thread of its process runs."""
    ctypes.PyDLL(None).usleep(int(seconds * 1e6))

@flow(log_prints=True)
def weighs():
    """What the kernel thinks of it, and of a child of its own."""
    print(weight, os.popen("cat /proc/self/oom_score_adj").read().strip())

@flow
def lingers(folder: str):
    """Returns at once, and its process goes on."""
    (Path(folder) / "began").write_text(str(os.getpid()))
    threading.Thread(target=time.sleep, args=(60,)).start()
'''
LEASE_S = 3
QUICK = {"FLOWHAND_WORKER_HEARTBEAT": "0.5", "FLOWHAND_WORKER_MARGIN": "1", "FLOWHAND_WORKER_GRACE": "6"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with short leases, and a pool."""
    lease = {"FLOWHAND_SERVER_LEASE": str(LEASE_S)}
    with running_server(tmp_path_factory.mktemp("server"), environ=lease) as found:
        Api(found).pool("pool")
        yield found


@pytest.fixture(scope="module")
def worker(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWorker]:
    """One for the module, with short times."""
    with running_worker(server, "--name", "w", home=tmp_path_factory.mktemp("home"), environ=QUICK) as found:
        yield found


def begun(api: Api, code: Path, folder: Path, flow: str) -> tuple[str, psutil.Process]:
    """A run that has begun, and its process."""
    run = api.run(api.deploy(f"flows.py:{flow}", code), parameters={"folder": str(folder)})
    wait_for(lambda: (folder / "began").exists() and (folder / "began").read_text() != "", 20)
    return run, psutil.Process(int((folder / "began").read_text()))


def test_a_run_that_is_deleted_takes_nobody_along(api: Api, worker: RunningWorker, code: Path, tmp_path: Path) -> None:
    """Its process is ended at the next heartbeat; the worker goes on with the next run."""
    run, process = begun(api, code, tmp_path, "waits")
    api.call("DELETE", f"/flow_runs/{run}")
    process.wait(10)
    assert api.ended(api.run(api.deploy("flows.py:weighs", code)))["state_name"] == "Completed"
    wait_for(lambda: not list(worker.home.glob(f"instances/*/runs/{run}*")), 10)


def test_a_flow_that_lets_nobody_else_run_keeps_its_lease(api: Api, worker: RunningWorker, code: Path) -> None:
    """For longer than a lease no thread of its process runs; who renews it is another process."""
    ended = api.ended(api.run(api.deploy("flows.py:hogs", code), parameters={"seconds": 2 * LEASE_S}))
    assert (ended["state_name"], ended["run_count"]) == ("Completed", 1), ended["state"]
    assert api.states(ended["id"]) == ["Scheduled", "Pending", "Running", "Completed"]


def test_runs_are_killed_for_memory_before_those_who_look_after_them(api: Api, worker: RunningWorker, code: Path) -> None:
    """A run and what it starts weigh more than keeper and daemon, which weigh what their starter gave them."""
    ended = api.ended(api.run(api.deploy("flows.py:weighs", code)))
    ours = Path("/proc/self/oom_score_adj").read_text().strip()
    assert api.logs(ended["id"]) == [f"{max(500, int(ours))} {max(500, int(ours))}"]
    for pid in (worker.process.pid, worker.keeper().pid):
        assert Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == ours


def test_the_code_of_flows_is_imported_by_runs_alone(api: Api, worker: RunningWorker, code: Path) -> None:
    """Neither daemon nor keeper ever loads it, so it cannot break them or fill their memory."""
    assert api.ended(api.run(api.deploy("flows.py:weighs", code)))["state_name"] == "Completed"
    pids = {int(path.name.partition("-")[2]) for path in code.glob("imported-*")}
    assert pids
    assert not pids & {worker.process.pid, worker.keeper().pid}


def test_a_cancellation_that_comes_too_late_is_no_crash(api: Api, worker: RunningWorker, code: Path, tmp_path: Path) -> None:
    """The flow has returned, and its process is still leaving: the cancellation came before its end, and is its only one."""
    run, _ = begun(api, code, tmp_path, "lingers")
    kept = f"instances/*/runs/{run}*.channel"
    wait_for(lambda: any(b'"end"' in channel.read_bytes() for channel in worker.home.glob(kept)), 10)
    api.cancel(run)
    ended = api.ended(run)
    assert ended["state_name"] == "Cancelled", ended["state"]
    assert len([name for name in api.states(run) if name in ("Cancelled", "Completed", "Crashed", "Failed")]) == 1


def test_a_supervisor_hears_of_claims_that_go_round(server: RunningServer, tmp_path: Path) -> None:
    """systemd is told when the worker is ready, that it is alive, and how long its drain may take."""
    address = f"\0flowhand-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(address)
        notified.settimeout(20)
        times = {"FLOWHAND_WORKER_DRAIN": "5", "FLOWHAND_WORKER_GRACE": "2"}
        environ = {**QUICK, **times, "NOTIFY_SOCKET": "@" + address[1:], "WATCHDOG_USEC": "600000"}
        with running_worker(server, "--name", "told", home=tmp_path / "home", environ=environ) as worker:
            told = [notified.recv(1000).decode() for _ in range(3)]
            assert worker.end() == 0
        deadline = time.monotonic() + 10
        while "STOPPING=1" not in told[-1] and time.monotonic() < deadline:
            told.append(notified.recv(1000).decode())
    assert told[0].startswith("READY=1\nSTATUS=serving pool")
    assert told.count("WATCHDOG=1") >= 2
    assert told[-1] == "STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=9000000"
