"""A real Prefect client, in a virtual environment of its own, pointed at a server of ours.

The environment is made on first use, outside the repository, and kept: `~/.cache/flowhand-tests/prefect-<version>`, or the folder that
FLOWHAND_TEST_PREFECT names (FLOWHAND_TEST_PREFECT_2 for the older version). Where it cannot be made the tests skip; in CI they fail.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

VERSION = "3.9.1"
OLDER = "2.20.26"
"""The last of the second major version."""
KEPT = {VERSION: "FLOWHAND_TEST_PREFECT", OLDER: "FLOWHAND_TEST_PREFECT_2"}
DRIVER = Path(__file__).with_name("prefect_cli_driver.py")


@cache
def prefect_home(version: str = VERSION) -> Path:
    """The virtual environment; made when it is not there."""
    kept = os.environ.get(KEPT[version])
    folder = Path(kept) if kept else Path.home() / ".cache" / "flowhand-tests" / f"prefect-{version}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "bin" / "prefect").exists():
            _make(folder, version)
    return folder


def _make(folder: Path, version: str) -> None:
    # Prefect asks for a certifi that is newer than some indexes have; any will do against a server on the loopback
    override = folder.with_name(f"{folder.name}.override")
    override.write_text("certifi\n")
    python = str(folder / "bin" / "python")
    steps = (
        [sys.executable, "-m", "venv", str(folder)],
        [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "uv"],
        [str(folder / "bin" / "uv"), "pip", "install", "-q", "-p", python, "--override", str(override), f"prefect=={version}"],
    )
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            pytest.skip(f"needs prefect=={version} in {folder}; making it failed: {done.stderr.strip()[-300:]}")


@dataclass
class PrefectClient:
    """One user of Prefect: a home, an API, and the programs that he runs."""

    url: str
    folder: Path
    more: dict[str, str] = field(default_factory=dict)
    """More of its environment, such as its credentials."""
    version: str = VERSION
    api: httpx.Client = field(init=False)
    _shell: subprocess.Popen[str] | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.api = httpx.Client(base_url=self.url, timeout=30, headers={"User-Agent": f"prefect/{self.version} (API 0.8.4)"})

    @property
    def bin(self) -> Path:
        """Where its programs are."""
        return prefect_home(self.version) / "bin"

    @property
    def environ(self) -> dict[str, str]:
        """What its programs are started with."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLOWHAND_", "PREFECT_", "VIRTUAL_ENV"))}
        own = {
            "PREFECT_API_URL": self.url,
            "PREFECT_HOME": str(self.folder / "home"),
            "PREFECT_RUNNER_POLL_FREQUENCY": "2",
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "0.2",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "NO_COLOR": "1",
            "COLUMNS": "240",
            "PYTHONUNBUFFERED": "1",
            "PATH": f"{self.bin}:{kept['PATH']}",
        }
        return {**kept, **own, **self.more}

    def cli(self, *arguments: str, fails: bool = False) -> str:
        """What a `prefect` command prints. AssertionError unless it ends so. The client's own code, one process for all commands."""
        if self._shell is None:
            command = [str(self.bin / "python"), str(DRIVER)]
            self._shell = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=self.environ, cwd=self.folder
            )
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(json.dumps(arguments) + "\n")
        self._shell.stdin.flush()
        answer = json.loads(self._shell.stdout.readline())
        assert fails == bool(answer["code"]), f"prefect {' '.join(arguments)}\n{answer['out']}"
        return answer["out"]

    def run(self, program: str, *, fails: bool = False, timeout: float = 90) -> str:
        """Runs a Python program to its end; what it printed."""
        path = self.folder / f"program_{time.monotonic_ns()}.py"
        path.write_text(program)
        command = [str(self.bin / "python"), str(path)]
        done = subprocess.run(command, env=self.environ, cwd=self.folder, capture_output=True, text=True, timeout=timeout, check=False)
        assert fails == bool(done.returncode), done.stdout + done.stderr
        return done.stdout + done.stderr

    @contextmanager
    def running(self, *command: str) -> Iterator[subprocess.Popen[bytes]]:
        """A program that runs beside the test: its output goes to a file of the folder. Ended as by Ctrl-C, then by force."""
        with (self.folder / f"output_{time.monotonic_ns()}.log").open("wb") as log:
            process = subprocess.Popen(
                [str(self.bin / command[0]), *command[1:]],
                env=self.environ,
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                yield process
            finally:
                end(process)

    def printed(self) -> str:
        """What all programs that ran beside the test have printed."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("output_*.log")))

    def close(self) -> None:
        """Ends what was begun."""
        self.api.close()
        if self._shell is not None:
            assert self._shell.stdin is not None
            self._shell.stdin.close()
            self._shell.wait(20)

    # --- what the API holds ----------------------------------------------------------------------------------------------------------

    def get(self, path: str) -> Any:
        """A thing of the API."""
        answer = self.api.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def post(self, path: str, **body: Any) -> Any:
        """What a call answers."""
        answer = self.api.post(path, json=body)
        assert answer.status_code < 300, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def flow_runs(self, flow: str) -> list[dict[str, Any]]:
        """The runs of a flow, the oldest first."""
        return self.post("/flow_runs/filter", flows={"name": {"any_": [flow]}}, sort="EXPECTED_START_TIME_ASC")

    def task_runs(self, flow_run_id: str) -> list[dict[str, Any]]:
        """The task runs of a flow run, the oldest first."""
        query = {"flow_runs": {"id": {"any_": [flow_run_id]}}, "sort": "EXPECTED_START_TIME_ASC"}
        return self.post("/task_runs/filter", **query)

    def states(self, flow_run_id: str) -> list[str]:
        """The names of the states that a run went through."""
        answer = self.api.get("/flow_run_states/", params={"flow_run_id": flow_run_id})
        return [state["name"] for state in answer.json()]

    def until(self, condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
        """What the condition says once it is true. AssertionError, with what programs printed, when that takes too long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            value = condition()
            if value:
                return value
            time.sleep(0.1)  # the API has no bell for every condition; the deadline is what counts
        raise AssertionError(f"not within {seconds} s: {what}\n{self.printed()[-6000:]}")

    def until_state(self, flow_run_id: str, *names: str, seconds: float = 60) -> dict[str, Any]:
        """The run once it is in one of these states."""

        def reached() -> dict[str, Any] | None:
            run = self.get(f"/flow_runs/{flow_run_id}")
            return run if run["state_name"] in names else None

        return self.until(reached, f"flow run {flow_run_id} is {' or '.join(names)}", seconds)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a program and what belongs to its session."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)
