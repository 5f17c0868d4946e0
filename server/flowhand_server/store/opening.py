"""Opening the database: checks that give clear words, the schema brought up to date, the kind chosen by URL."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, insert, select, text
from sqlalchemy.exc import DBAPIError

from flowhand.ids import new_id

from .errors import StoreUnusable
from .sqlite import SqliteStore
from .sqlite_engine import engine as sqlite_engine
from .sqlite_engine import in_words
from .store import Store
from .tables import SCHEMA, meta, metadata

NETWORK_FILE_SYSTEMS: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "lustre", "glusterfs", "fuse.sshfs", "ncpfs"}
)
"""Where locks and shared memory are not what SQLite's write-ahead log needs (sqlite.org/wal.html)."""


def open_sqlite(path: Path) -> Store:
    """The store in the file `path`, made or migrated when needed. Called on the event loop. StoreUnusable says why it cannot be opened."""
    kind = file_system_of(path.parent)
    if kind in NETWORK_FILE_SYSTEMS:
        raise StoreUnusable(
            f"{path.parent} is on a network file system ({kind}), where SQLite is not safe; set FLOWHAND_HOME to a local folder, "
            "or FLOWHAND_SERVER_DATABASE_URL to a PostgreSQL database"
        )
    made = sqlite_engine(path)
    try:
        prepare(made, str(path))
    except (DBAPIError, OSError) as error:
        words = in_words(error) or str(getattr(error, "orig", error))
        raise StoreUnusable(f"{path}: {words}") from None
    finally:
        made.dispose()
    path.chmod(0o600)
    return SqliteStore(path)


def open_postgresql(url: str) -> Store:
    """The store in a PostgreSQL database. The driver is loaded here alone: most servers never need it."""
    return importlib.import_module("flowhand_server.store.postgresql").open_postgresql(url)


def prepare(made: Engine, where: str) -> None:
    """Brings the schema up to date: a new database gets the tables as they are, an older one is migrated, a newer one is refused."""
    with made.connect() as conn:
        known = current_schema(conn)
    if known == SCHEMA:
        return
    if known is not None:
        # Alembic takes 0.2 s and 15 MB to load; a schema that is up to date must not pay for it
        importlib.import_module("flowhand_server.store.migrating").upgrade(made, known, where)
        return
    with made.begin() as conn:
        metadata.create_all(conn)
        conn.execute(text("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
        conn.execute(text("INSERT INTO alembic_version (version_num) VALUES (:schema)"), {"schema": SCHEMA})
        conn.execute(insert(meta), {"key": "server_id", "value": new_id()})


def current_schema(conn: Connection) -> str | None:
    """The revision that the database is at; None for an empty one."""
    if not conn.dialect.has_table(conn, "alembic_version"):
        return None
    return conn.execute(text("SELECT version_num FROM alembic_version")).scalar()


def server_id(conn: Connection) -> str:
    """The id that the database was given when it was made."""
    return conn.execute(select(meta.c.value).where(meta.c.key == "server_id")).scalar_one()


def file_system_of(folder: Path) -> str:
    """The type of the file system that a folder is on, as the kernel names it; empty where that cannot be known (proc(5), mountinfo)."""
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    resolved = folder.resolve()
    best, kind = -1, ""
    for line in lines:
        before, _, after = line.partition(" - ")
        mount = Path(before.split(" ")[4].encode().decode("unicode_escape"))
        if (resolved == mount or mount in resolved.parents) and len(mount.parts) >= best:
            best, kind = len(mount.parts), after.split(" ", 1)[0]
    return kind
