"""A server and a worker in a private home, started as a user would start them and ended without a trace.

With `--api-url` no server is started and the worker works for that API; with `--worker` another worker program is measured.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from flowhand.client.address import configured_address, published_address
from flowhand.client.published import published_server
from flowhand.settings import load
from harness.footprint import Process, with_environment
from harness.rest import BenchmarkFailed, Rest
from harness.results import note

POOL: Final = "benchmark"
_LEAVE_S: Final = 10.0

Value = TypeVar("Value")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that say what is measured."""
    worker = "flowhand worker start --pool {pool}"
    parser.add_argument("--api-url", help="measure a worker of this API (ending in /api); credentials come from FLOWHAND_API_KEY")
    parser.add_argument("--worker", default=worker, help="the worker's command line; {pool} becomes the pool's name")
    parser.add_argument("--limit", type=int, default=64, help="runs at once, FLOWHAND_WORKER_LIMIT")


class House:
    """What runs, and how to look at it. `rest` speaks to the API."""

    def __init__(self, home: Path, environ: dict[str, str], rest: Rest) -> None:
        self.home = home
        self.rest = rest
        self._environ = environ
        self._started: list[subprocess.Popen[bytes]] = []

    def processes(self) -> list[Process]:
        """Every living process of this house: server, worker, keeper and runs."""
        return with_environment(f"FLOWHAND_HOME={self.home}")

    def start_worker(self, command: str) -> None:
        """Starts a worker and waits until the API knows it to be online."""
        self._started.append(spawn(shlex.split(command.format(pool=POOL)), self._environ, self.home / "worker.log"))
        await_true(self._worker_is_online, 60.0, f"the worker did not come online; its log is {self.home}/worker.log")

    def start_beside(self, command: str, environ: dict[str, str]) -> None:
        """Starts another program of the house, with more in its environment."""
        self._started.append(spawn(shlex.split(command), self._environ | environ, self.home / "beside.log"))

    def _worker_is_online(self) -> bool:
        refuse_dead(self._started, self.home / "worker.log")
        return any(worker.get("status") == "ONLINE" for worker in self.rest.post(f"/work_pools/{POOL}/workers/filter", {}))

    def close(self) -> None:
        """Asks all to leave, worker first, then ends whatever has not."""
        for process in reversed(self._started):
            end(process)


@contextmanager
def house(given: argparse.Namespace, *, worker: bool = True, environ: dict[str, str] | None = None) -> Generator[House, None, None]:
    """A house as the arguments say, its pool made. Nothing of it is left when the block ends."""
    signal.signal(signal.SIGTERM, leave_by_finally)
    home = Path(tempfile.mkdtemp(prefix="fhb-"))  # short: the keeper's socket must fit into 107 bytes
    around = _environment(home, given) | (environ or {})
    server: subprocess.Popen[bytes] | None = None
    try:
        if given.api_url:
            address = configured_address(load(around))
            assert address is not None, "an API URL was given"
        else:
            server = spawn(["flowhand", "server", "start", "--port", "0"], around, home / "server.log")
            published = await_value(lambda: published_server(home), 60.0, lambda: refuse_dead([server], home / "server.log"))
            address = published_address(load(around), published)
            around["FLOWHAND_API_URL"] = address.url
        with Rest(address.url, address.authorization) as rest:
            await_true(rest.answers, 10.0, f"no API answers at {address.url}")
            made_pool = rest.pool(POOL)
            made = House(home, around, rest)
            try:
                if worker:
                    made.start_worker(given.worker)
                yield made
            finally:
                made.close()
                if made_pool:
                    rest.delete_pool(POOL)
    except BenchmarkFailed:
        for log in sorted(home.glob("*.log")):
            note(f"--- {log.name}\n{log.read_text(errors='replace')[-1000:]}")
        raise
    finally:
        if server is not None:
            end(server)
        _sweep(home)
        shutil.rmtree(home, ignore_errors=True)


def await_true(there: Callable[[], bool], seconds: float, otherwise: str) -> None:
    """Looks until it is so; BenchmarkFailed(otherwise) when that takes longer. For what gives no event to wait for."""
    deadline = time.monotonic() + seconds
    while not there():
        if time.monotonic() > deadline:
            raise BenchmarkFailed(otherwise)
        time.sleep(0.05)


def await_value(find: Callable[[], Value | None], seconds: float, check: Callable[[], None]) -> Value:
    """Looks until something is found, and checks each time that it still may be."""
    deadline = time.monotonic() + seconds
    while (found := find()) is None:
        check()
        if time.monotonic() > deadline:
            raise BenchmarkFailed(f"nothing was found within {seconds:g} s")
        time.sleep(0.05)
    return found


def clean_environment() -> dict[str, str]:
    """The caller's, without settings of its own, our programs first. Modules are compiled once, as users have them, whatever the caller's
    shell says.
    """
    others = ("FLOWHAND", "PREFECT", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return kept | {"PATH": str(Path(sys.executable).parent) + os.pathsep + kept.get("PATH", os.defpath)}


def _environment(home: Path, given: argparse.Namespace) -> dict[str, str]:
    """What server and worker are started with; the caller's credentials are kept when another API is measured."""
    kept = clean_environment()
    if given.api_url:
        kept |= {name: value for name, value in os.environ.items() if name in ("FLOWHAND_API_KEY", "FLOWHAND_API_AUTH_STRING")}
        kept |= {"FLOWHAND_API_URL": given.api_url, "PREFECT_API_URL": given.api_url}
    return kept | {"FLOWHAND_HOME": str(home), "FLOWHAND_WORKER_LIMIT": str(given.limit), "FLOWHAND_WORKER_DRAIN": "2"}


def spawn(command: list[str], environ: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """A process in a session of its own, its words in a file. The program is looked for beside our own interpreter first."""
    program = shutil.which(command[0], path=environ["PATH"])
    if program is None:
        raise BenchmarkFailed(f"there is no program {command[0]!r}")
    with log.open("ab") as file:
        return subprocess.Popen(
            [program, *command[1:]], env=environ, cwd="/", stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
        )


def refuse_dead(processes: Iterable[subprocess.Popen[bytes]], log: Path) -> None:
    """BenchmarkFailed when one of them has ended, with the end of its log."""
    for process in processes:
        if process.poll() is not None:
            raise BenchmarkFailed(f"{process.args} left with {process.returncode}: {log.read_text(errors='replace')[-600:]}")


def leave_by_finally(number: int, _frame: object) -> None:
    """Leaves by way of every `finally`, so that what was started is ended."""
    sys.exit(128 + number)


def end(process: subprocess.Popen[bytes]) -> None:
    """Asks a process to leave, and kills it when it does not."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_LEAVE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _sweep(home: Path) -> None:
    """Ends what is left of a house: runs that would still sleep, and whatever watched them."""
    for process in with_environment(f"FLOWHAND_HOME={home}"):
        try:
            os.kill(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
