"""A real worker on a real server, and what a test does with them over the API."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from support.server import RunningServer

READY_S = 60.0
RUN_S = 60.0


class Api:
    """The calls that tests make, over the wire."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self._http = httpx.Client(base_url=server.url, headers=server.headers, timeout=60.0)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call; its JSON, or None. AssertionError with the server's words when it says no."""
        response = self._http.request(method, self.server.url + path, json=body)
        assert response.status_code < 300, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    def pool(self, name: str, **fields: Any) -> dict[str, Any]:
        """A new process pool."""
        return self.call("POST", "/work_pools/", {"name": name, "type": "process", **fields})

    def deploy(self, entrypoint: str, path: Path, pool: str | None = "pool", **fields: Any) -> str:
        """A deployment of a flow in a local folder; its id."""
        name = entrypoint.partition(":")[2]
        flow = self.call("POST", "/flows/", {"name": name})
        body = {"name": "d", "flow_id": flow["id"], "entrypoint": entrypoint, "path": str(path), **fields}
        if pool:
            body["work_pool_name"] = pool
        return self.call("POST", "/deployments/", body)["id"]

    def run(self, deployment: str, **fields: Any) -> str:
        """A new run of it; its id."""
        return self.call("POST", f"/deployments/{deployment}/create_flow_run", fields)["id"]

    def read(self, run: str) -> dict[str, Any]:
        """The run as it is."""
        return self.call("GET", f"/flow_runs/{run}")

    def ended(self, run: str, within_s: float = RUN_S) -> dict[str, Any]:
        """The run once it is in a terminal state, by long poll. AssertionError when it is not in time."""
        return self.until(run, lambda reply: reply["terminal"], within_s)

    def reaches(self, run: str, state: str, within_s: float = RUN_S) -> dict[str, Any]:
        """The run once its state has this name."""
        return self.until(run, lambda reply: reply["state_name"] == state, within_s)

    def until(self, run: str, wanted: Callable[[dict[str, Any]], bool], within_s: float) -> dict[str, Any]:
        """The run once a watch reply is as wanted."""
        deadline = time.monotonic() + within_s
        known: str | None = None
        while True:
            left = deadline - time.monotonic()
            body = {"flow_run_id": run, "state_id": known, "wait_s": max(0.0, min(left, 5.0))}
            reply = self.call("POST", "/runner/watch", body)
            if wanted(reply):
                return self.read(run)
            assert left > 0, f"run {run} is {reply['state_name']} ({reply['message']}; {reply['why']}) after {within_s} s"
            known = reply["state_id"]

    def cancel(self, run: str) -> None:
        """Asks for its end."""
        self.call("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING"}})

    def logs(self, run: str) -> list[str]:
        """The run's log messages, in order of time."""
        found: list[str] = []
        while True:
            body = {"logs": {"flow_run_id": {"any_": [run]}}, "sort": "TIMESTAMP_ASC", "limit": 200, "offset": len(found)}
            page = self.call("POST", "/logs/filter", body)
            found += [line["message"] for line in page]
            if len(page) < 200:
                return found

    def states(self, run: str) -> list[str]:
        """The names of all states it went through, in order."""
        found = self.call("GET", f"/flow_run_states/?flow_run_id={run}")
        return [state["name"] for state in sorted(found, key=lambda state: state["timestamp"])]


@dataclass(slots=True)
class RunningWorker:
    """A worker process that claims."""

    process: subprocess.Popen[bytes]
    home: Path
    log_path: Path
    marker: str = field(default="")

    @property
    def log(self) -> str:
        """What it has said so far."""
        return self.log_path.read_text(errors="replace")

    def says(self, text: str, within_s: float = READY_S) -> None:
        """Waits until its log holds a text. AssertionError with the log when it does not in time."""
        wait_for(lambda: text in self.log or self.process.poll() is not None, within_s, lambda: f"{text!r} not in:\n{self.log}")
        assert text in self.log, f"{text!r} not in:\n{self.log}"

    def end(self, number: int = signal.SIGTERM, within_s: float = 30.0) -> int:
        """Signals it and waits; the exit status."""
        self.process.send_signal(number)
        return self.process.wait(within_s)

    def clear(self) -> None:
        """Kills it and all that descends from its keepers, ended or not."""
        self.process.kill()
        self.process.wait()
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def keeper(self) -> psutil.Process:
        """Its keeper; forked children look the same but for their parent."""
        alike = {process.pid: process for process in psutil.process_iter() if self._is_keeper(process)}
        parents = {process: _parent(process) for process in alike.values()}
        found = [process for process, parent in parents.items() if parent is not None and parent not in alike]
        assert len(found) == 1, f"{len(found)} keepers of {self.home}"
        return found[0]

    def processes(self) -> list[psutil.Process]:
        """Its keepers and all that descends from them."""
        keepers = [process for process in psutil.process_iter() if self._is_keeper(process)]
        return keepers + [child for keeper in keepers for child in _children(keeper)]

    def _is_keeper(self, process: psutil.Process) -> bool:
        line = command_of(process)  # not `info`: psutil shares it between the threads of a crash matrix
        return "flowhand.keeper" in line and any(str(self.home) in word for word in line)


def command_of(process: psutil.Process) -> list[str]:
    """The words of its command line; none of one that has ended."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _parent(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.NoSuchProcess:
        return None


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


@contextmanager
def running_worker(
    server: RunningServer, *options: str, home: Path, pool: str = "pool", environ: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Generator[RunningWorker]:
    """Starts `worker start --pool POOL` and waits until it claims; afterwards nothing of it is left, whatever the test did."""
    worker = start_worker(server, *options, home=home, pool=pool, environ=environ, cwd=cwd)
    try:
        worker.says('"Claiming"')
        yield worker
    finally:
        worker.clear()


def start_worker(
    server: RunningServer, *options: str, home: Path, pool: str = "pool", environ: Mapping[str, str] | None = None, cwd: Path | None = None
) -> RunningWorker:
    """The same without waiting and ending."""
    home.mkdir(parents=True, exist_ok=True)
    log_path = home / "worker-output.log"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLOWHAND_", "PREFECT_"))}
    env = {**kept, "FLOWHAND_HOME": str(home), "FLOWHAND_API_URL": server.url, "FLOWHAND_LOG_FORMAT": "json", **(environ or {})}
    command = [sys.executable, "-m", "flowhand", "worker", "start", "--pool", pool, *options]
    with log_path.open("ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, cwd=cwd)
    return RunningWorker(process, home, log_path)


def wait_for(condition: Callable[[], bool], within_s: float, why: Callable[[], str] = lambda: "not in time", step_s: float = 0.02) -> None:
    """Waits until a condition holds; for what offers no event. AssertionError after `within_s` seconds."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, why()
        time.sleep(step_s)


def write_flows(folder: Path, text: str) -> Path:
    """A folder with `flows.py` in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "flows.py").write_text("from flowhand import flow, get_run_logger\n" + text)
    return folder


def said(log: str) -> list[dict[str, Any]]:
    """The JSON lines of a program's log."""
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]
