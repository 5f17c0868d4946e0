"""A real server, in a process of its own, on a home and a port of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_S = 60.0
STOP_S = 20.0


@dataclass(slots=True)
class RunningServer:
    """A server that answers. `url` ends in `/api`; `token` is None unless it is embedded."""

    url: str
    token: str | None
    home: Path
    process: subprocess.Popen[bytes]

    @property
    def headers(self) -> dict[str, str]:
        """What proves who we are."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    @property
    def log(self) -> str:
        """What it has said so far."""
        return _log(self.home).read_text()

    def stop(self) -> int:
        """Ends it as an operator does, and returns its exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """Ends it as a crash does."""
        return self._end(signal.SIGKILL)

    def _end(self, number: int) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(STOP_S)


@contextmanager
def running_server(
    home: Path, *arguments: str, embedded: bool = False, environ: Mapping[str, str] | None = None
) -> Generator[RunningServer]:
    """Starts `python -m flowhand_server` and ends it afterwards. `environ` is laid over ours, less the FLOWHAND_ and PREFECT_ names."""
    server = start_server(home, *arguments, embedded=embedded, environ=environ)
    try:
        yield server
    finally:
        server.kill()


def start_server(home: Path, *arguments: str, embedded: bool = False, environ: Mapping[str, str] | None = None) -> RunningServer:
    """The same without the ending. AssertionError with the server's own words when it does not come up."""
    home.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-P", "-m", "flowhand_server", "--home", str(home)]
    command += ["--embedded"] if embedded else []
    command += [] if "--port" in arguments or embedded else ["--port", "0"]
    with _log(home).open("ab") as log:
        process = subprocess.Popen([*command, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_environment(environ))
    url = _published(home, process)
    token = home / "server" / "token"
    return RunningServer(url, token.read_text().strip() if embedded else None, home, process)


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLOWHAND_", "PREFECT_"))}
    return {**kept, **(extra or {})}


def _published(home: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            about = json.loads((home / "server" / "server.json").read_bytes())
        except (OSError, ValueError):
            about = {}
        if about.get("pid") == process.pid:
            return about["url"]
        if process.poll() is not None:
            raise AssertionError(f"the server ended with {process.returncode}: {_log(home).read_text()}")
        time.sleep(0.02)
    process.kill()
    raise AssertionError(f"the server did not come up within {START_S} s: {_log(home).read_text()}")


def _log(home: Path) -> Path:
    return home / "server-output.log"
