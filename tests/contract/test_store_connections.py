"""Connections to PostgreSQL that are lost before they are used."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError

from flowhand_server.store.postgresql_engine import engine
from flowhand_server.store.postgresql_errors import unavailable
from support.databases import new_database, open_store


def test_a_database_that_hangs_up_again_and_again_is_an_outage(postgres_url: str) -> None:
    """Connections are ended as soon as they are made: that is told as what it is, which a client answers by trying again later."""
    url = new_database(postgres_url)
    made = engine(url, 1)
    with made.connect() as conn:
        conn.execute(text("SELECT 1"))

    def hang_up(driver: Any, _record: Any = None) -> None:
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [driver.info.backend_pid])

    with made.connect() as conn:
        resting = conn.connection.dbapi_connection
    hang_up(resting)
    event.listen(made, "connect", hang_up)
    with pytest.raises(DBAPIError) as caught, made.connect() as conn:
        conn.execute(text("SELECT 1"))
    assert unavailable(caught.value)
    event.remove(made, "connect", hang_up)
    with made.connect() as conn:
        assert conn.execute(text("SELECT 1")).scalar() == 1
    made.dispose()


@pytest.mark.anyio
async def test_who_comes_alone_finds_the_same_connection(postgres_url: str) -> None:
    """Writing after reading, also after an error: one process of the database has everything at hand, and is asked for nothing between."""
    store = open_store(new_database(postgres_url))

    def process(conn: Connection) -> int:
        return conn.execute(text("SELECT pg_backend_pid()")).scalar_one()

    def fail(conn: Connection) -> None:
        process(conn)
        raise LookupError

    found = {await store.write(process)}
    for _ in range(5):
        found |= {await store.read(process), await store.write(process)}
        with pytest.raises(LookupError):
            await store.write(fail)
    assert len(found) == 1
    await store.close()
