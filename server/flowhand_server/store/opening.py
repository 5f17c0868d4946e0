"""Opening the database: checks that give clear words, the schema brought up to date, the kind chosen by URL."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError

from .errors import StoreUnusable
from .schema import prepare
from .sqlite import SqliteStore
from .sqlite_engine import engine, in_words
from .store import Store

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
    made = engine(path)
    try:
        with made.begin() as conn:
            prepare(conn, str(path))
        path.chmod(0o600)
    except (DBAPIError, OSError) as error:
        words = in_words(error) or str(getattr(error, "orig", error))
        raise StoreUnusable(f"{path}: {words}") from None
    finally:
        made.dispose()
    return SqliteStore(path)


def open_postgresql(url: str) -> Store:
    """The store in a PostgreSQL database. StoreUnusable says why it cannot be opened."""
    try:
        # the driver is an extra, and most servers never need it
        module = importlib.import_module("flowhand_server.store.postgresql")
    except ImportError as error:
        raise StoreUnusable(f"PostgreSQL needs a driver that is not installed ({error}); pip install 'flowhand[postgres]'") from None
    return module.open_postgresql(url)


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
