"""What a claim costs with very many runs in the table: milliseconds of one that gets a run, and of one that finds every due run blocked.

The table is filled behind the server's back, straight into its SQLite file: making a million runs by the API would take hours.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from harness.footprint import cpu_seconds
from harness.house import POOL, House, add_arguments, house
from harness.rest import Rest
from harness.results import note, parser, percentile, tell

CHUNK: Final = 20_000
LANES: Final = 20
"""Deployments that the runs are of."""
SECRET: Final = "x-flowhand-session-secret"
_RUN: Final = """
INSERT INTO flow_run (id, created, updated, name, flow_id, deployment_id, work_pool_id, work_queue_id, state_id, state_type, state_name,
    state_timestamp, expected_start_time, next_scheduled_start_time, start_time, end_time)
VALUES (?, ?, ?, 'a-run', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_STATE: Final = """
INSERT INTO flow_run_state (id, flow_run_id, timestamp, type, name, state_details, announced) VALUES (?, ?, ?, ?, ?, ?, true)
"""


def measure(given: argparse.Namespace) -> None:
    """One server for each size of the table."""
    for size in given.runs:
        with house(given, worker=False) as home:
            deployments = [home.rest.deployment("noop", f"lane-{n}", POOL) for n in range(LANES)]
            note(f"putting {size} runs into the table …")
            fill(home.home / "server" / "flowhand.db", deployments, size, min(given.due, size // 2))
            one_client(home, given.claims, f"{size}_runs")
            many_clients(home, given.clients, given.claims, f"{size}_runs_{given.clients}_clients")
            for deployment in deployments:
                home.rest.limit_deployment(deployment, 1)
            one_client(home, given.claims, f"{size}_runs_all_blocked", most=1)


def fill(database: Path, deployments: list[str], size: int, due: int) -> None:
    """`size` runs, of which `due` wait and are due, spread over the deployments; the rest has ended long ago."""
    connection = sqlite3.connect(database, timeout=60, isolation_level=None)
    flow, queue, pool = connection.execute(
        "SELECT d.flow_id, q.id, q.work_pool_id FROM deployment d JOIN work_queue q ON q.id = d.work_queue_id WHERE d.id = ?",
        (deployments[0],),
    ).fetchone()
    now = time.time_ns() // 1000
    for start in range(0, size, CHUNK):
        runs: list[tuple[Any, ...]] = []
        states: list[tuple[Any, ...]] = []
        for n in range(start, min(start + CHUNK, size)):
            run, state, at = str(uuid.uuid4()), str(uuid.uuid4()), now - (size - n) * 1000
            waits = n >= size - due
            kind = ("SCHEDULED", "Late") if waits else ("COMPLETED", "Completed")
            times = (at, None, None) if waits else (None, at, at)
            runs.append((run, at, at, flow, deployments[n % LANES], pool, queue, state, *kind, at, at, *times))
            scheduled = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at // 1_000_000))
            states.append((state, run, at, *kind, json.dumps({"scheduled_time": scheduled})))
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(_RUN, runs)
        connection.executemany(_STATE, states)
        connection.execute("COMMIT")
    connection.close()


class Session:
    """One worker's session, on a connection of its own."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        opened = rest.post("/runner/session", {"kind": "worker", "name": "benchmark", "work_pool": POOL})
        self._session = opened["session"]
        self._secret = opened["secret"]
        self._last = 0

    def claim(self) -> tuple[float, list[dict[str, Any]]]:
        """Seconds that a claim of one run took, and what it got."""
        body = {"session": self._session, "slots": 1, "last_claim": self._last}
        began = time.perf_counter()
        answer = self._rest.post("/runner/claim", body, **{SECRET: self._secret})
        took = time.perf_counter() - began
        self._last = answer["claim"]
        return took, answer["runs"]


def one_client(home: House, claims: int, what: str, most: int | None = None) -> None:
    """Claims one after another."""
    with home.rest.again() as rest:
        session = Session(rest)
        session.claim()
        before = sum(cpu_seconds(home.processes()).values())
        answers = [session.claim() for _ in range(claims)]
        cpu = sum(cpu_seconds(home.processes()).values()) - before
    got = sum(len(runs) for _, runs in answers)
    if most is not None and got > LANES * most:
        raise SystemExit(f"{got} runs were given although all are blocked")
    _tell(what, [took for took, _ in answers])
    tell("claim", f"{what}_cpu", cpu / claims * 1000, "ms CPU a claim", n=claims)


def many_clients(home: House, clients: int, claims: int, what: str) -> None:
    """Claims from many sessions at once. An error of any kind ends the program."""

    def work(_: int) -> list[tuple[float, list[dict[str, Any]]]]:
        with home.rest.again() as rest:
            session = Session(rest)
            return [session.claim() for _ in range(claims // clients)]

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        answers = [answer for part in threads.map(work, range(clients)) for answer in part]
    took = time.perf_counter() - began
    ids = [run["run_id"] for _, runs in answers for run in runs]
    if len(ids) != len(set(ids)):
        raise SystemExit("a run was given twice")
    _tell(what, [seconds for seconds, _ in answers])
    tell("claim", f"{what}_rate", len(answers) / took, "claims/s", n=len(answers))


def _tell(what: str, seconds: list[float]) -> None:
    tell("claim", f"{what}_p50", percentile(seconds, 0.5) * 1000, "ms", n=len(seconds), most=10)
    tell("claim", f"{what}_p99", percentile(seconds, 0.99) * 1000, "ms", n=len(seconds))


def main() -> None:
    """Reads the arguments and measures."""
    arguments = parser(__doc__)
    add_arguments(arguments)
    arguments.add_argument("--runs", type=int, nargs="+", default=[1_000, 50_000, 1_000_000], help="runs in the table")
    arguments.add_argument("--due", type=int, default=100_000, help="how many of them are due, at most half")
    arguments.add_argument("--claims", type=int, default=400, help="claims that are timed")
    arguments.add_argument("--clients", type=int, default=16, help="sessions that claim at once")
    measure(arguments.parse_args())


if __name__ == "__main__":
    main()
