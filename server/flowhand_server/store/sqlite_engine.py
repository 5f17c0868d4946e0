"""Connections to SQLite: how each is opened, and what its errors mean in words."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from .errors import StoreUnavailable
from .prepared import failure

BUSY_MS: Final = 5_000
"""How long a lock held by another program (a backup, a shell) is waited for."""


def json_text(value: Any) -> str:
    """JSON as it is stored."""
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def engine(path: Path, *, read_only: bool = False) -> Engine:
    """An engine whose connections are opened and closed by their owner. WAL, every commit on the disk before it is acknowledged."""

    def connect() -> sqlite3.Connection:
        # autocommit, so that BEGIN IMMEDIATE is ours to say; each connection belongs to one thread, which may not be the one that closes it
        connection = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False, cached_statements=256)
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA temp_store=MEMORY")
        cursor.execute(f"PRAGMA cache_size=-{4_000 if read_only else 16_000}")
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        else:
            cursor.execute("PRAGMA wal_autocheckpoint=2000")
        cursor.close()
        return connection

    made = create_engine(
        "sqlite+pysqlite://",
        creator=connect,
        poolclass=NullPool,
        json_serializer=json_text,
        json_deserializer=orjson.loads,
    )
    statement = "BEGIN" if read_only else "BEGIN IMMEDIATE"

    def begin(conn: Connection) -> None:
        driver: Any = conn.connection.dbapi_connection
        try:
            driver.execute(statement)  # in every transaction, and nothing of it is SQLAlchemy's to know
        except sqlite3.Error as error:
            raise failure(conn, statement, (), error) from error

    event.listen(made, "begin", begin)
    return made


_WORDS: Final = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space",
    sqlite3.SQLITE_READONLY: "the database is read-only; check the permissions of its file and folder",
    sqlite3.SQLITE_IOERR: "the disk does not read or write; check its health and free space",
    sqlite3.SQLITE_CORRUPT: "the database is corrupt; restore it from a backup, or move it away to begin anew",
    sqlite3.SQLITE_NOTADB: "the file is not a database; move it away to begin anew",
    sqlite3.SQLITE_CANTOPEN: "the database cannot be opened; check that its folder exists and can be written",
    sqlite3.SQLITE_BUSY: "another program has locked the database; close it",
    sqlite3.SQLITE_LOCKED: "another program has locked the database; close it",
}


def in_words(error: BaseException) -> str | None:
    """What a failure of the database itself (not of a statement) means, or None for any other error."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorcode", None)
    return _WORDS.get(code & 0xFF) if isinstance(code, int) else None


def translate(error: Exception, path: Path, *, read_only: bool = False) -> Exception:
    """The error as the callers of the store know it. A reader that tries to write is a mistake in the program, and stays what it is."""
    words = in_words(error)
    if read_only and words == _WORDS[sqlite3.SQLITE_READONLY]:
        return error
    return error if words is None else StoreUnavailable(f"{path}: {words}")
