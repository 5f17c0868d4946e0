"""Connections kept at hand between transactions, the one that was used last first.

To check a connection out of SQLAlchemy's pool and in again costs as much as a small transaction. So one that was just in use is used again
as it is; only after a rest, and now and then, it goes back to the pool, which looks whether it is still there and not too old.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator
from typing import Any, Final

from sqlalchemy import Connection, Engine

from .postgresql_engine import RESTS, TRUSTED_S, has_news

KEPT_S: Final = 60.0
"""How long a connection stays away from the pool, however busy it is."""


class Connections:
    """Those of one engine. For any number of threads; never more than the engine's pool has."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._idle: list[tuple[Connection, float]] = []
        """Each with when it came from the pool."""

    @contextlib.contextmanager
    def one(self) -> Generator[Connection]:
        """A connection for one transaction. After an error the pool has it back."""
        conn, since = self._take()
        try:
            yield conn
        except BaseException:
            conn.close()
            raise
        conn.info[RESTS] = time.monotonic()
        self._idle.append((conn, since))

    def close(self) -> None:
        """Closes those that are at hand; nobody may be using the others any more."""
        while self._idle:
            self._idle.pop()[0].close()
        self._engine.dispose()

    def _take(self) -> tuple[Connection, float]:
        now = time.monotonic()
        with contextlib.suppress(IndexError):  # none is at hand, or another thread has just taken the last
            conn, since = self._idle.pop()
            driver: Any = conn.connection.dbapi_connection
            if now - conn.info[RESTS] < TRUSTED_S and now - since < KEPT_S and not has_news(driver):
                return conn, since
            conn.close()
        return self._engine.connect(), now
