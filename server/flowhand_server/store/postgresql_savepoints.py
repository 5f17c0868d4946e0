"""Savepoints in a pipeline: what is sent inside one fails inside it, so that it can be undone alone.

Without that the error would come out at RELEASE, when SQLAlchemy no longer rolls back to the savepoint, or in the place of ROLLBACK TO.
What was sent before a savepoint fails before it: SAVEPOINT is a plain statement, which waits.
"""

from __future__ import annotations

import contextlib
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, event

from .prepared import failure


def settle_savepoints(made: Engine) -> None:
    """Has every savepoint of an engine wait for what was sent inside it, before it is released or rolled back to."""
    event.listen(made, "release_savepoint", _before_release)
    event.listen(made, "rollback_savepoint", _before_rollback)


def _before_release(conn: Connection, name: str, _context: Any) -> None:
    driver: Any = conn.connection.dbapi_connection
    try:
        if driver.open_line:
            driver.line.settle()
    except psycopg.Error as error:
        told = failure(conn, f"RELEASE SAVEPOINT {name}", None, error)
        if not conn.invalidated:
            conn.dialect.do_rollback_to_savepoint(conn, name)
        raise told from error


def _before_rollback(conn: Connection, _name: str, _context: Any) -> None:
    if conn.invalidated:
        return
    driver: Any = conn.connection.dbapi_connection
    with contextlib.suppress(psycopg.Error):  # it is undone, whether it was done or not
        if driver.open_line:
            driver.line.settle()
