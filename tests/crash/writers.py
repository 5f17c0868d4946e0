"""`python -m crash.writers`: many writers against a server that is killed (-9) again and again; what it acknowledged must all be there.

On SQLite, and on PostgreSQL with `--database postgresql`. Each writer makes runs, carries them from state to state and logs, one call
after the other, and notes what was acknowledged. A call that a kill has cut off is made again when the server is back. In the end the
database is looked at directly: it must be sound, every run must have exactly the states that were acknowledged (and at most the one that
was under way), every line must be there, and no call may have been answered with an error.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import shutil
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg

from flowhand.ids import new_id
from support.databases import new_database, postgres_server
from support.server import RunningServer, start_server
from support.storage_servers import free_port
from support.worker import Api

STEPS: Final = ("PENDING", "RUNNING", "COMPLETED")
BACK_S: Final = 60.0


class Over(Exception):
    """The time is up while a call had no answer yet."""


@dataclass(slots=True)
class Acknowledged:
    """What the server has said yes to, for one run: how many of the steps, and lines of its log."""

    key: str
    steps: int = 0
    lines: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class Findings:
    """What came of it. `wrong` is empty when nothing was lost."""

    runs: int
    calls: int
    cut_off: int
    kills: int
    wrong: list[str]


class Writer(threading.Thread):
    """One writer, with connections and runs of its own."""

    def __init__(self, number: int, url: str, deployment: str, up: threading.Event, over: threading.Event) -> None:
        super().__init__(name=f"writer-{number}", daemon=True)
        self.acknowledged: dict[str, Acknowledged] = {}
        self.errors: list[str] = []
        self.calls = 0
        self.cut_off = 0
        self._deployment = deployment
        self._up = up
        self._over = over
        self._http = httpx.Client(base_url=url, timeout=BACK_S, trust_env=False)

    def run(self) -> None:
        """Writes until the time is up."""
        with contextlib.suppress(Over), self._http:
            number = 0
            while not self._over.is_set():
                self._one_run(f"{self.name}-{number}")
                number += 1

    def _one_run(self, key: str) -> None:
        made = self._insist(f"/deployments/{self._deployment}/create_flow_run", {"idempotency_key": key, "name": key})
        noted = self.acknowledged.setdefault(made["id"], Acknowledged(key))
        for step in STEPS:
            state = {"type": step, "state_details": {"transition_id": new_id()}}  # by which the server knows that it is asked again
            answer = self._insist(f"/flow_runs/{made['id']}/set_state", {"state": state})
            if answer["state"]["type"] != step:
                self.errors.append(f"{key}: {step} was answered with {answer}")
            noted.steps += 1
            line = f"{key} is {step}"
            body = {"name": "writers", "level": 20, "message": line, "timestamp": "2030-01-01T00:00:00Z", "flow_run_id": made["id"]}
            self._insist("/logs/", [body])
            noted.lines.append(line)

    def _insist(self, path: str, body: Any) -> Any:
        """The answer, however often the call must be made."""
        while True:
            try:
                answer = self._http.post(path, json=body)
            except httpx.TransportError:
                self.cut_off += 1
                if self._over.is_set():
                    raise Over from None
                self._up.wait(BACK_S)
                continue
            self.calls += 1
            if answer.is_error:
                self.errors.append(f"{path}: {answer.status_code} {answer.text[:200]}")
                raise Over
            return answer.json() if answer.content else None


class Patient:
    """A server that is killed and started again on the same port and home."""

    def __init__(self, home: Path, environ: dict[str, str]) -> None:
        self._home = home
        self._environ = environ
        self._port = free_port()
        self.up = threading.Event()
        self.kills = 0
        self.server = self._start()

    def kill_for(self, seconds: float, every_s: float, chance: random.Random) -> None:
        """Kills it at random times until it has been up for so long; in the end it is down for good."""
        while seconds > 0:
            stays = min(seconds, chance.expovariate(1 / every_s))
            time.sleep(stays)  # the kills come by the clock, whatever the writers do
            self.up.clear()
            self.server.kill()
            self.kills += 1
            seconds -= stays
            if seconds > 0:
                self.server = self._start()

    def _start(self) -> RunningServer:
        started = start_server(self._home, "--port", str(self._port), environ=self._environ, forked=False)
        self.up.set()
        return started


def play(base: Path, writers: int, seconds: float, every_s: float, seed: int, postgresql: str | None = None) -> Findings:
    """Plays it, then looks at the database: a file, or the one at the URL `postgresql`."""
    patient = Patient(base / "server", {"FLOWHAND_SERVER_DATABASE_URL": postgresql} if postgresql else {})
    over = threading.Event()
    try:
        api = Api(patient.server)
        api.pool("pool")
        deployment = api.deploy("flows.py:noop", base)
        many = [Writer(number, patient.server.url, deployment, patient.up, over) for number in range(writers)]
        for writer in many:
            writer.start()
        patient.kill_for(seconds, every_s, random.Random(seed))
    finally:
        over.set()
        patient.up.set()
        patient.server.kill()
    for writer in many:
        writer.join(BACK_S)
    acknowledged = {run: noted for writer in many for run, noted in writer.acknowledged.items()}
    wrong = [error for writer in many for error in writer.errors]
    wrong += look_at(postgresql, acknowledged) if postgresql else look(base / "server" / "server" / "flowhand.db", acknowledged)
    return Findings(len(acknowledged), sum(w.calls for w in many), sum(w.cut_off for w in many), patient.kills, wrong)


def look(path: Path, acknowledged: dict[str, Acknowledged]) -> list[str]:
    """What is wrong with the database, as it was left by the last kill."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        wrong = [f"integrity: {row[0]}" for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
        wrong += [f"a row of {row[0]} refers to nothing in {row[2]}" for row in db.execute("PRAGMA foreign_key_check")]
        return wrong + _missing(db, acknowledged)


def look_at(url: str, acknowledged: dict[str, Acknowledged]) -> list[str]:
    """The same on PostgreSQL, once it has noticed that the server is gone."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    deadline = time.monotonic() + BACK_S
    with psycopg.connect(url, autocommit=True) as db:
        while db.execute(others).fetchone() != (0,):
            if time.monotonic() > deadline:
                return ["connections of the killed server are still there"]
            time.sleep(0.1)  # they end by themselves, and say nothing
        return _missing(db, acknowledged)


def _missing(db: Any, acknowledged: dict[str, Acknowledged]) -> list[str]:
    """What was acknowledged and is not there, or there twice."""
    states: dict[str, list[str]] = {}
    entered = "SELECT flow_run_id, type FROM flow_run_state WHERE name <> 'Late' ORDER BY flow_run_id, timestamp"
    for run, kind in db.execute(entered):  # the server itself says of a run that it is late
        states.setdefault(run, []).append(kind)
    now = dict(db.execute("SELECT id, state_type FROM flow_run"))
    keys = Counter(row[0] for row in db.execute("SELECT idempotency_key FROM flow_run"))
    lines = {row[0] for row in db.execute("SELECT message FROM log")}
    wrong = [f"{key} was made {count} times" for key, count in keys.items() if count != 1]
    for run, noted in acknowledged.items():
        wanted = ["SCHEDULED", *STEPS]
        found = states.get(run, [])
        if not (noted.steps + 1 <= len(found) <= noted.steps + 2 and found == wanted[: len(found)] and now.get(run) == found[-1]):
            wrong.append(f"{noted.key}: {noted.steps} steps were acknowledged, its states are {found}, the run is {now.get(run)}")
        wrong += [f"the line {line!r} is not there" for line in noted.lines if line not in lines]
    return wrong


def main() -> int:
    """The exit code: 1 when something was lost or refused."""
    parser = argparse.ArgumentParser(prog="crash.writers", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--writers", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=300.0, help="seconds that the server is up, all in all")
    parser.add_argument("--kill-every", type=float, default=3.0, help="seconds between two kills, on average")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    options = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="flowhand-writers-"))
    try:
        with contextlib.ExitStack() as stack:
            url = new_database(stack.enter_context(postgres_server(base / "pg"))) if options.database == "postgresql" else None
            found = play(base, options.writers, options.seconds, options.kill_every, options.seed, url)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    asked = f"{options.writers} writers for {options.seconds:g} s on {options.database}"
    print(f"{asked}, the server killed {found.kills} times (seed {options.seed})")
    print(f"{found.runs} runs, {found.calls} calls answered, {found.cut_off} cut off; {len(found.wrong)} things wrong")
    print(*found.wrong[:20], sep="\n")
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
