"""A server behind a proxy, and one worker after another in one home: what a cell of the matrix is played on."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Final

import psutil

from flowhand.failpoints import HELD, VARIABLE
from support.server import RunningServer, start_server
from support.tcp_proxy import TcpProxy
from support.worker import Api, RunningWorker, start_worker, wait_for, write_flows

from .flow_text import FLOW
from .wall_clock import WallClock, library

LEASE_S: Final = 3.0
GRACE_S: Final = 30.0
SERVER: Final = {"FLOWHAND_SERVER_LEASE": str(LEASE_S), "FLOWHAND_SERVER_GRACE": str(GRACE_S)}
WORKER: Final = {
    "FLOWHAND_WORKER_HEARTBEAT": "0.5",
    "FLOWHAND_WORKER_MARGIN": "0.8",
    "FLOWHAND_WORKER_GRACE": "2",
    "FLOWHAND_WORKER_DRAIN": "20",
    "FLOWHAND_API_TIMEOUT": "3",
    "FLOWHAND_LOG_LEVEL": "DEBUG",  # a daemon that ends by a defect says where
}


@dataclass(slots=True)
class Rig:
    """One cell's surroundings. Use `rigged`."""

    base: Path
    server: RunningServer
    proxy: TcpProxy
    policy: str
    api: Api
    """The server, not through the proxy."""
    deployment: str
    seed: int = 0
    random: Random = field(default_factory=Random)
    lines: int = 0
    worker: RunningWorker | None = None
    run: str = ""
    stopped: list[psutil.Process] = field(default_factory=list[psutil.Process])
    closing: list[Callable[[], object]] = field(default_factory=list[Callable[[], object]])
    disk: Path | None = None
    clocks: list[WallClock] = field(default_factory=list[WallClock])
    """The server's and the worker's, where they can be set."""
    held: int = 0
    """The pid of whoever was held last."""
    told_to_leave: int = 0
    """The pid of the daemon that was sent SIGTERM."""
    said_before: int = 0
    """Characters of the log that are of daemons before the last one."""

    def begin(self, seed: int) -> None:
        """Another play on the same server, in the same home."""
        self.seed, self.random = seed, Random(seed)
        self.lines = self.random.choice((15, 15, 80))  # most runs end before their lease could, some outlast it
        self.stopped.clear()
        self.release()
        self.record.mkdir()
        for clock in self.clocks:
            clock.set(0.0)
        if self.worker is None or self.worker.process.poll() is not None:
            self.start_worker()
        self.claims()

    @property
    def home(self) -> Path:
        """The worker's home."""
        return self.disk or self.base / "home"

    @property
    def points(self) -> Path:
        """Where fail points are armed."""
        return self.base / "points"

    @property
    def record(self) -> Path:
        """Where the flow of this play keeps its own record."""
        return self.base / f"record-{self.seed}"

    @property
    def server_environ(self) -> dict[str, str]:
        """What the server is started with."""
        return {**SERVER, **(self.clocks[0].environ if self.clocks else {})}

    # --- the worker

    def start_worker(self) -> None:
        """Starts a daemon in the home, and waits until it claims or is held."""
        url = self.server.url.replace(self.server.url.split(":")[2].split("/")[0], str(self.proxy.port))
        environ = {**WORKER, VARIABLE: str(self.points), **(self.clocks[1].environ if self.clocks else {})}
        self.said_before = len(self.worker.log) if self.worker else 0
        self.worker = start_worker(replace(self.server, url=url), "--name", "w", home=self.home, environ=environ)

    def claims(self) -> None:
        """Waits until the daemon that was started last claims."""

        def said() -> bool:
            return '"Claiming"' in self.daemon().log[self.said_before :]

        wait_for(lambda: said() or self.daemon().process.poll() is not None, 60, lambda: self.daemon().log)
        assert said(), self.daemon().log

    def tell_to_leave(self) -> None:
        """SIGTERM for the daemon."""
        self.told_to_leave = self.daemon().process.pid
        self.daemon().process.send_signal(signal.SIGTERM)

    @property
    def said(self) -> str:
        """What the daemons have said so far."""
        return self.worker.log if self.worker else ""

    def daemon(self) -> RunningWorker:
        """The worker, which is there."""
        assert self.worker is not None, "no worker was started"
        return self.worker

    def child(self) -> psutil.Process:
        """The run's process: it has said so in its record, or it is the one that is held."""
        return psutil.Process(self.began or self.held)

    @property
    def began(self) -> int:
        """The pid of the body that began last, as it wrote it down; 0 while there is none."""
        told = self.record / "began"
        return int(told.read_text() or 0) if told.exists() else 0

    # --- fail points

    def arm(self, point: str) -> None:
        """The next process that comes to `point` is held there."""
        (self.points / point).touch()

    def wait_held(self, point: str, within_s: float = 45.0) -> int:
        """The pid of whoever is held at the point."""
        held = self.points / (point + HELD)
        wait_for(lambda: held.exists() and held.read_text() != "", within_s, lambda: f"nobody came to {point!r}:\n{self.daemon().log}")
        self.held = int(held.read_text())
        return self.held

    def release(self) -> None:
        """Whoever is held goes on."""
        for held in self.points.iterdir():
            held.unlink(missing_ok=True)

    # --- the server

    def kill_server(self) -> None:
        """SIGKILL."""
        self.server.kill()

    def restart_server(self) -> None:
        """Another one on the same database and port."""
        port = self.server.url.split(":")[2].split("/")[0]
        self.server = start_server(self.server.home, "--port", port, environ=self.server_environ, forked=False)

    def database(self) -> sqlite3.Connection:
        """The server's database, for reading."""
        return sqlite3.connect(f"file:{self.server.home}/server/flowhand.db?mode=ro", uri=True)

    # --- time

    def sleep(self, least: float, most: float) -> None:
        """A stretch of time that the seed decides: what the cell is about, not a wait for something."""
        time.sleep(self.random.uniform(least, most))

    # --- the run

    def ask(self, hog: str = "") -> None:
        """Asks for the run."""
        parameters = {"folder": str(self.record), "lines": self.lines, "hog": hog}
        self.run = self.api.run(self.deployment, parameters=parameters)

    def settled(self) -> bool:
        """Whether the run has ended for good."""
        with contextlib.closing(self.database()) as db:
            state = db.execute("SELECT state_type FROM flow_run WHERE id = ?", (self.run,)).fetchone()[0]
            held = db.execute("SELECT count(*) FROM lease WHERE flow_run_id = ? AND ended_at IS NULL", (self.run,)).fetchone()[0]
        return state in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") and not held

    def close(self) -> None:
        """Ends everything, however the cell went."""
        self.proxy.set("pass")
        for process in self.stopped:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)
        if self.worker is not None:
            self.worker.clear()
        self.server.kill()
        for closing in self.closing:
            closing()


@contextmanager
def rigged(base: Path, policy: str, *, small_disk: bool = False, sets_clocks: bool = False) -> Generator[Rig]:
    """A rig with a server that runs; nothing of it is left afterwards."""
    for name in ("points", "home"):
        (base / name).mkdir(parents=True)
    write_flows(base / "code", FLOW)
    clocks = [WallClock(base / f"clock-of-{whose}", library(base)) for whose in ("server", "worker")] if sets_clocks else []
    server = start_server(base / "server", environ={**SERVER, **(clocks[0].environ if clocks else {})}, forked=False)
    port = int(server.url.split(":")[2].split("/")[0])
    with TcpProxy(port) as proxy:
        api = Api(server)
        api.pool("pool")
        deployment = api.deploy("flows.py:witness", base / "code", job_variables={"crash_policy": policy})
        rig = Rig(base, server, proxy, policy, api, deployment, clocks=clocks)
        try:
            if small_disk:
                mount(rig)
            yield rig
        finally:
            rig.close()
            shutil.rmtree(base, ignore_errors=True)


def mount(rig: Rig) -> None:
    """Puts the worker's home on a disk of 96 MiB. CalledProcessError where mounting is not allowed."""
    disk = rig.base / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "none", str(disk)], check=True, capture_output=True)
    rig.closing.append(lambda: subprocess.run(["umount", "-l", str(disk)], check=False))
    rig.disk = disk / "home"
    rig.disk.mkdir()


def can_mount() -> bool:
    """Whether this user may mount (it takes root)."""
    return os.geteuid() == 0
