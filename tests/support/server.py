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
from functools import partial
from pathlib import Path

from flowhand_server.program import main
from support.forked import Forked

START_S = 60.0
STOP_S = 20.0


@dataclass(slots=True)
class RunningServer:
    """A server that answers. `url` ends in `/api`; `token` is None unless it is embedded."""

    url: str
    token: str | None
    home: Path
    process: subprocess.Popen[bytes] | Forked

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
    """Starts a server and ends it afterwards. `environ` is laid over ours, less the FLOWHAND_ and PREFECT_ names."""
    server = start_server(home, *arguments, embedded=embedded, environ=environ)
    try:
        yield server
    finally:
        server.kill()


def start_server(
    home: Path, *arguments: str, embedded: bool = False, environ: Mapping[str, str] | None = None, forked: bool = True
) -> RunningServer:
    """The same without the ending. AssertionError with the server's own words when it does not come up.

    Not `forked` it is `python -m flowhand_server`: where an interpreter's own start is what matters.
    """
    home.mkdir(parents=True, exist_ok=True)
    words = ["--home", str(home), *(["--embedded"] if embedded else []), *arguments]
    if "--port" not in arguments and not embedded:
        words += ["--port", "0"]
    process = (_fork if forked else _spawn)(words, _environment(environ), _log(home))
    url = _published(home, process)
    token = home / "server" / "token"
    return RunningServer(url, token.read_text().strip() if embedded else None, home, process)


def _fork(words: list[str], environ: Mapping[str, str], log: Path) -> Forked:
    return Forked(partial(main, words), env=environ, out=log, err=log, cwd=Path.cwd())


def _spawn(words: list[str], environ: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "flowhand_server", *words]
    with log.open("ab") as out:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environ)


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLOWHAND_", "PREFECT_"))}
    return {**kept, **(extra or {})}


def _published(home: Path, process: subprocess.Popen[bytes] | Forked) -> str:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            about = json.loads((home / "server" / "server.json").read_bytes())
        except (OSError, ValueError):
            about = {}
        if about.get("pid") == process.pid:
            return about["url"]
        if process.poll() is not None:
            raise AssertionError(f"the server ended with {process.poll()}: {_log(home).read_text()}")
        time.sleep(0.02)
    process.kill()
    raise AssertionError(f"the server did not come up within {START_S} s: {_log(home).read_text()}")


def _log(home: Path) -> Path:
    return home / "server-output.log"
