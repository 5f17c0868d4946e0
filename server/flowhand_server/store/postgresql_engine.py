"""Connections to PostgreSQL, and what their errors mean."""

from __future__ import annotations

from typing import Any, Final

import orjson
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError

from .errors import StoreUnusable
from .postgresql_cursor import PipelineCursor
from .sqlite_engine import json_text

REPEATED: Final = frozenset({"40001", "40P01", "23505"})
"""SQLSTATEs that another try mends: a serialization failure, a deadlock, and a key that somebody else took first and that the transaction,
run again, will find (PostgreSQL manual, appendix A)."""


def database_url(url: str) -> URL:
    """The URL with our driver in it, whatever driver it named. StoreUnusable for one that is none of PostgreSQL's."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreUnusable("FLOWHAND_SERVER_DATABASE_URL is not a URL; write it like postgresql://user@host/name") from None
    if not parsed.drivername.startswith("postgres"):
        raise StoreUnusable(f"FLOWHAND_SERVER_DATABASE_URL begins with {parsed.drivername}://, but only postgresql:// is supported")
    return parsed.set(drivername="postgresql+psycopg")


def engine(url: str, connections: int) -> Engine:
    """An engine with at most so many connections, each checked before it is used again."""
    return create_engine(
        database_url(url),
        pool_size=connections,
        max_overflow=0,
        pool_pre_ping=True,
        pool_recycle=1800,
        json_serializer=json_text,
        json_deserializer=_parsed,
        connect_args={
            "application_name": "flowhand",
            "connect_timeout": 10,
            "options": "-c timezone=utc",
            "cursor_factory": PipelineCursor,
        },
    )


def must_be_repeated(error: DBAPIError) -> bool:
    """Whether the transaction is to be run again from its start."""
    return getattr(error.orig, "sqlstate", None) in REPEATED


def unavailable(error: DBAPIError) -> bool:
    """Whether the database could not be asked, rather than the statement being wrong: no connection, shutting down, out of resources."""
    if isinstance(error, DataError):
        return False  # the driver's own have no state: a NUL in a text, which no database was asked about
    state = getattr(error.orig, "sqlstate", None) or ""
    return error.connection_invalidated or not state or state[:2] in {"08", "53", "57", "58"}


def in_words(error: Exception) -> str:
    """The first line of what the driver says, which holds no password."""
    return str(getattr(error, "orig", error)).strip().splitlines()[0]


def _parsed(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, (str, bytes)) else value
