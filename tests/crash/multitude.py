"""`python -m crash.multitude`: very many runs through four workers whose daemons are killed at random, then a multiset check of what ran.

Under the crash policy a killed daemon costs nothing: its keeper and children go on, the next daemon adopts them. So each run must have
run exactly once, whatever was killed when, and must be Completed.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from support.server import RunningServer, running_server
from support.worker import Api, RunningWorker, start_worker, write_flows

WORKERS: Final = 4
BULK: Final = 100
AHEAD: Final = 2000
"""Runs that are due at once, about."""
FLOW: Final = '''
import os

@flow
def mark(path: str):
    """Leaves a trace of each execution: one write, which O_APPEND keeps whole."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(fd, (os.environ["FLOWHAND__FLOW_RUN_ID"] + "\\n").encode())
    os.close(fd)
'''
ENVIRON: Final = {"FLOWHAND_WORKER_HEARTBEAT": "5", "FLOWHAND_WORKER_LIMIT": "8", "FLOWHAND_LOG_LEVEL": "WARNING"}


class Killer(threading.Thread):
    """Kills one worker's daemon after another, at times that the seed decides, and starts the next one in its home."""

    def __init__(self, server: RunningServer, base: Path, seed: int, every_s: float) -> None:
        super().__init__(name="killer", daemon=True)
        self.kills = 0
        self._server = server
        self._base = base
        self._random = random.Random(seed)
        self._every_s = every_s
        self._over = threading.Event()
        self._workers = [self._worker(number) for number in range(WORKERS)]

    def run(self) -> None:
        """Until it is told to stop."""
        while not self._over.wait(self._random.expovariate(1 / self._every_s)):
            number = self._random.randrange(WORKERS)
            worker = self._workers[number]
            worker.process.kill()
            worker.process.wait()
            self.kills += 1
            self._over.wait(self._random.choice((0.0, 0.0, 2.0)))
            self._workers[number] = self._worker(number)

    def end(self) -> None:
        """No more kills; every worker drains and leaves."""
        self._over.set()
        self.join()
        for worker in self._workers:
            worker.process.send_signal(signal.SIGTERM)
        for worker in self._workers:
            worker.process.wait(120)

    def clear(self) -> None:
        """Whatever is left is killed."""
        for worker in self._workers:
            worker.clear()

    def _worker(self, number: int) -> RunningWorker:
        return start_worker(self._server, "--name", f"w{number}", home=self._base / f"home{number}", environ=ENVIRON)


def main() -> int:
    """The exit code: 1 when a run was lost or ran twice."""
    parser = argparse.ArgumentParser(prog="crash.multitude", description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kill-every", type=float, default=5.0, help="seconds between two kills, on average")
    parser.add_argument("--at-most", type=float, default=float("inf"), help="seconds after which no more runs are asked for")
    options = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="flowhand-multitude-"))
    try:
        return multitude(base, options.runs, options.seed, options.kill_every, options.at_most)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def multitude(base: Path, runs: int, seed: int, every_s: float, at_most_s: float) -> int:
    """Plays it and says what came of it."""
    code = write_flows(base / "code", FLOW)
    with running_server(base / "server", environ={"FLOWHAND_SERVER_RETENTION_DAYS": "0"}) as server:
        api = Api(server)
        api.pool("pool")
        deployment = api.deploy("flows.py:mark", code)
        killer = Killer(server, base, seed, every_s)
        began = time.perf_counter()
        try:
            killer.start()
            wanted = set(_ask(api, deployment, runs, base / "ran", began + at_most_s))
            runs = len(wanted)
            _wait(server, runs)
            took = time.perf_counter() - began
            killer.end()
        finally:
            killer.clear()
        ran = Counter((base / "ran").read_text().split())
        states = _states(server)
    lost, strange = wanted - ran.keys(), ran.keys() - wanted
    twice = [run for run, times in ran.items() if times > 1]
    print(f"{runs} runs in {took:.0f} s, {runs / took:.0f} a second, {killer.kills} daemons killed (seed {seed})")
    print(f"{len(lost)} lost, {len(twice)} ran more than once, {len(strange)} that nobody asked for; states: {dict(states)}")
    return 0 if not (lost or twice or strange) and states == {"COMPLETED": runs} else 1


def _ask(api: Api, deployment: str, runs: int, path: Path, until: float) -> Iterator[str]:
    for start in range(0, runs, BULK):
        if start % AHEAD == 0:
            _wait(api.server, start - AHEAD)
        if time.perf_counter() > until:
            return
        bodies = [{"parameters": {"path": str(path)}} for _ in range(min(BULK, runs - start))]
        answer = api.call("POST", f"/deployments/{deployment}/create_flow_run/bulk", bodies)
        yield from (result["flow_run_id"] for result in answer["results"])


def _states(server: RunningServer) -> Counter[str]:
    with contextlib.closing(sqlite3.connect(f"file:{server.home}/server/flowhand.db?mode=ro", uri=True)) as db:
        return Counter(dict(db.execute("SELECT state_type, count(*) FROM flow_run GROUP BY state_type").fetchall()))


def _wait(server: RunningServer, runs: int) -> None:
    """Until every run has ended; AssertionError when nothing moves for two minutes."""
    last, moved = -1, time.monotonic()
    while (done := _states(server)["COMPLETED"]) < runs:
        if done != last:
            last, moved = done, time.monotonic()
        assert time.monotonic() - moved < 120, f"nothing has moved for two minutes: {dict(_states(server))}"
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
