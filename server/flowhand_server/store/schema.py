"""The schema: made in a new database, brought up to date in an older one."""

from __future__ import annotations

import importlib
from typing import Final

from sqlalchemy import Connection, insert, inspect, select, text

from flowhand.ids import new_id

from .tables import SCHEMA, meta, metadata

_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtext('flowhand schema'))")


def prepare(conn: Connection, where: str) -> None:
    """Brings the schema up to date, within the caller's transaction. `where` names the database in errors.

    A new database gets the tables as they are, an older one is migrated. StoreUnusable for one that a newer version made.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(_LOCK)  # replicas that start together take turns
    known = current_schema(conn)
    if known == SCHEMA:
        return
    if known is not None:
        # Alembic takes 0.2 s and 15 MB to load; a schema that is up to date must not pay for it
        importlib.import_module("flowhand_server.store.migrating").upgrade(conn, known, where)
        return
    metadata.create_all(conn)
    conn.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    conn.execute(text("INSERT INTO alembic_version (version_num) VALUES (:schema)"), {"schema": SCHEMA})
    conn.execute(insert(meta), {"key": "server_id", "value": new_id()})


def current_schema(conn: Connection) -> str | None:
    """The revision that the database is at; None for an empty one."""
    if not inspect(conn).has_table("alembic_version"):
        return None
    return conn.execute(text("SELECT version_num FROM alembic_version")).scalar()


def server_id(conn: Connection) -> str:
    """The id that the database was given when it was made."""
    return conn.execute(select(meta.c.value).where(meta.c.key == "server_id")).scalar_one()
