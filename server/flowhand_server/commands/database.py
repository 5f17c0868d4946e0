"""`flowhand server database …`: bring the schema up to date, begin anew, look for damage."""

from __future__ import annotations

from typing import Any

from sqlalchemy import inspect, text

from flowhand_server.store.checking import findings
from flowhand_server.store.errors import StoreUnusable
from flowhand_server.store.schema import current_schema, prepare
from flowhand_server.store.tables import SCHEMA, metadata

from .opening import Database


def upgrade(where: Database) -> dict[str, Any]:
    """Brings the schema to this version's, all or nothing. PlaceTaken while a server has the database open and there is something to do."""
    with where.engine() as made:
        with made.connect() as conn:
            before = current_schema(conn)
        if before == SCHEMA:
            return {"database": where.name, "from": before, "to": SCHEMA}
        # Alembic takes as long to load as all the rest; only an upgrade wants it
        from flowhand_server.store.migrating import revisions_after

        with where.alone(), made.begin() as conn:
            for revision, about in revisions_after(conn, before):
                where.progress(f"{revision}: {about}")
            prepare(conn, where.name)
    return {"database": where.name, "from": before, "to": SCHEMA}


def reset(where: Database) -> dict[str, Any]:
    """Deletes everything, keys too, and makes an empty database. PlaceTaken while a server has it open."""
    with where.alone():
        if where.file:
            for suffix in ("", "-wal", "-shm"):
                where.file.with_name(where.file.name + suffix).unlink(missing_ok=True)
        else:
            _drop_tables(where)
        where.progress("everything is deleted")
        with where.transaction():
            pass
    return {"database": where.name, "to": SCHEMA}


def check(where: Database) -> dict[str, Any]:
    """What is wrong with it. Changes nothing; a server may run meanwhile."""
    if where.file and not where.file.exists():
        raise StoreUnusable(f"there is no database at {where.file}; `flowhand server start` makes one")
    with where.engine() as made, made.connect() as conn:
        found = list(findings(conn, where.progress))
    return {"database": where.name, "sound": all(one["sound"] for one in found), "checks": found}


def _drop_tables(where: Database) -> None:
    """Ours alone: a schema may hold other tables. Also those of a newer version are gone with what refers to them."""
    with where.engine() as made, made.begin() as conn:
        there = set(inspect(conn).get_table_names())
        for table in metadata.tables:
            if table in there:
                conn.execute(text(f'DROP TABLE "{table}" CASCADE'))
        conn.execute(text("DROP TABLE IF EXISTS alembic_version"))
