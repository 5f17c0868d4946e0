"""A server that is killed and started again: nothing acknowledged is lost, and nobody is reaped who should not be."""

from __future__ import annotations

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from support.runner_api import Api, Session
from support.server import start_server

LEASE = {"FLOWHAND_SERVER_LEASE": "4"}


def test_leases_survive_and_nobody_is_reaped(tmp_path: Path) -> None:
    """Away for longer than a lease: the worker finds its lease whole, since the reaper waits for a lease of its own first."""
    server = start_server(tmp_path, environ=LEASE)
    api = Api(server)
    pool = api.pool()
    worker = api.session(pool, heartbeat_s=1)
    api.run(api.deployment(pool))
    run = worker.claimed()[0]
    worker.state(run, "RUNNING", 1)
    worker.log(run, ("channel", 5, "before"))
    server.kill()
    time.sleep(5)
    server = start_server(tmp_path, environ=LEASE)
    try:
        worker.api = Api(server)
        assert worker.renew(run)["lost"] == []
        assert worker.log(run, ("channel", 5, "before"), ("channel", 9, "after"))["marks"] == [[run["run_id"], 1, "channel", 9]]
        assert worker.api.read(run["run_id"])["state_type"] == "RUNNING"
    finally:
        server.kill()


def test_no_acknowledged_write_is_lost(tmp_path: Path) -> None:
    """Four clients write while the server is killed again and again; what was answered is there, and the file is sound."""
    acknowledged: list[str] = []
    server = start_server(tmp_path)
    flow = Api(server).call("POST", "/flows/", {"name": "f"})["id"]
    for _ in range(3):
        until = time.monotonic() + 1.5

        def write(url: str, until: float = until) -> list[str]:
            mine: list[str] = []
            with httpx.Client(base_url=url, trust_env=False, timeout=5) as http:
                while time.monotonic() < until:
                    try:
                        mine.append(http.post("/flow_runs/", json={"flow_id": flow, "state": {"type": "PENDING"}}).json()["id"])
                    except (httpx.TransportError, ValueError):
                        return mine
            return mine

        with ThreadPoolExecutor(4) as threads:
            parts = [threads.submit(write, server.url) for _ in range(4)]
            time.sleep(1.0)
            server.kill()
            acknowledged += [run for part in parts for run in part.result()]
        server = start_server(tmp_path)
    server.kill()
    database = sqlite3.connect(tmp_path / "server" / "flowhand.db")
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    stored = {row[0] for row in database.execute("SELECT id FROM flow_run")}
    assert acknowledged
    assert set(acknowledged) <= stored


def test_a_stopping_server_answers_who_waits(tmp_path: Path) -> None:
    """SIGTERM: the waiting claim has its answer at once, and the server leaves with status 0."""
    server = start_server(tmp_path)
    api = Api(server)
    worker: Session = api.session(api.pool())
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(worker.claim, 1, 25.0)
        time.sleep(0.5)
        began = time.monotonic()
        assert server.stop() == 0
        answer: dict[str, Any] = waiting.result(5)
    assert answer["runs"] == []
    assert time.monotonic() - began < 5
