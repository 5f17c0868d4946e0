"""Connections to PostgreSQL: how each is opened, and when it is given up."""

from __future__ import annotations

import functools
import select
import time
from typing import Any, Final

import orjson
import psycopg
from sqlalchemy import Dialect, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, InvalidatePoolError

from .errors import StoreUnusable
from .postgresql_cursor import PlainCursor, StreamingCursor
from .postgresql_pipeline import LineConnection
from .postgresql_savepoints import settle_savepoints
from .sqlite_engine import json_text

TRUSTED_S: Final = 5.0
"""How long a connection may rest before it is asked whether it is there: a firewall may forget it and say nothing."""

RESTS: Final = "flowhand.rests_since"
"""In a connection's `info`: since when nobody uses it."""


def database_url(url: str) -> URL:
    """The URL with our driver in it, whatever driver it named. StoreUnusable for one that is none of PostgreSQL's."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreUnusable("FLOWHAND_SERVER_DATABASE_URL is not a URL; write it like postgresql://user@host/name") from None
    if not parsed.drivername.startswith("postgres"):
        raise StoreUnusable(f"FLOWHAND_SERVER_DATABASE_URL begins with {parsed.drivername}://, but only postgresql:// is supported")
    return parsed.set(drivername="postgresql+psycopg")


def engine(url: str, connections: int, *, begins: bool = True) -> Engine:
    """An engine with at most so many connections, each checked before it is used again. Without `begins` nobody but us says BEGIN."""
    made = create_engine(
        database_url(url),
        pool_size=connections,
        max_overflow=0,
        pool_use_lifo=True,  # whoever comes alone always finds the same connection, whose process has everything at hand
        pool_recycle=1800,
        **({} if begins else {"isolation_level": "AUTOCOMMIT"}),
        json_serializer=json_text,
        json_deserializer=_parsed,
        connect_args={
            "application_name": "flowhand",
            "connect_timeout": 10,
            "options": "-c timezone=utc",
            "cursor_factory": PlainCursor,
        },
    )
    event.listen(made, "do_connect", _connect)
    event.listen(made, "connect", _stream_beside_pipelines)
    event.listen(made, "checkin", _note_rest)
    event.listen(made, "checkout", functools.partial(_refuse_lost, made.dialect))
    settle_savepoints(made)
    return made


def _connect(_dialect: Dialect, _record: Any, arguments: Any, options: Any) -> LineConnection:
    return LineConnection.connect(*arguments, **options)


def _stream_beside_pipelines(driver: Any, _record: Any) -> None:
    driver.server_cursor_factory = StreamingCursor


def _note_rest(_driver: Any, record: Any) -> None:
    record.info.setdefault(RESTS, time.monotonic())


def _refuse_lost(dialect: Dialect, driver: Any, record: Any, _proxy: Any) -> None:
    """Has the pool connect anew where the connection is gone.

    The database is asked only after a rest; of a connection that was just in use it would have been heard that it hangs up. One that was
    just made is never refused: its first statement says what is wrong, while the pool, refused twice, would only say that it is closed.
    """
    rests_since = record.info.pop(RESTS, None)
    if rests_since is None:
        return
    rested = time.monotonic() - rests_since
    try:
        alive = not has_news(driver) and (rested < TRUSTED_S or dialect.do_ping(driver))
    except psycopg.Error:
        alive = False
    if not alive:
        raise InvalidatePoolError("the database has hung up")


def has_news(driver: Any) -> bool:
    """Whether something was sent to us that we did not ask for, its end as a rule, or the connection was ended by us."""
    heard = select.poll()  # takes descriptors of any number, select() none from 1024 on
    try:
        heard.register(driver, select.POLLIN)
    except psycopg.Error:
        return True
    return bool(heard.poll(0))


def _parsed(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, (str, bytes)) else value
