"""The store on PostgreSQL: the same transactions, on a pool of connections in threads; several server replicas share one database.

Notices go to this process at once and to the others by NOTIFY, in the very transaction that they tell of.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Literal, TypeVar

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from flowhand.ids import new_id

from .errors import StoreUnavailable, StoreUnusable
from .notices import Listener, Notice, forget, posted
from .postgresql_connections import Connections
from .postgresql_engine import engine
from .postgresql_errors import in_words, must_be_repeated, unavailable
from .postgresql_notify import Ears, announce
from .postgresql_pipeline import Line
from .prepared import failure
from .schema import prepare
from .store import Follow, P, T, Transaction

WRITERS: Final = 8
READERS: Final = 4
ATTEMPTS: Final = 6
BACKOFF_S: Final = 0.005
"""The longest wait before the second attempt; it doubles with each."""
R = TypeVar("R")


def open_postgresql(url: str) -> PostgresStore:
    """The store in the database that `url` names, its schema brought up to date. StoreUnusable says why it cannot be opened."""
    made = engine(url, 1)
    try:
        with made.begin() as conn:
            prepare(conn, "the database")
    except DBAPIError as error:
        raise StoreUnusable(f"the database cannot be opened: {in_words(error)}") from None
    finally:
        made.dispose()
    return PostgresStore(url)


class PostgresStore:
    """A `Store` in a PostgreSQL database. Made on the event loop that its callers run on."""

    kind: Literal["sqlite", "postgresql"] = "postgresql"

    def __init__(self, url: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._connections = Connections(engine(url, WRITERS + READERS, begins=False))
        self._writers = ThreadPoolExecutor(WRITERS, "store-writer")
        self._readers = ThreadPoolExecutor(READERS, "store-reader")
        self._listeners: list[Listener] = []
        self._closed = False
        self._myself = new_id()
        self._ears = Ears(url, self._myself, self._heard)
        self._ears.start()

    async def write(self, transaction: Transaction[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        outcome, notices = await self._submit(self._writers, self._write, lambda conn: transaction(conn, *args, **kwargs))
        self._tell(notices)
        return outcome

    async def read(self, transaction: Transaction[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._submit(self._readers, self._read, lambda conn: transaction(conn, *args, **kwargs))

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def follow(self, follow: Follow) -> None:
        """Never asks it: transactions here have commits of their own."""

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._shut_down)

    def _shut_down(self) -> None:
        self._ears.stop()
        self._writers.shutdown()
        self._readers.shutdown()
        self._connections.close()

    async def _submit(self, pool: ThreadPoolExecutor, run: Callable[[Callable[[Connection], T]], R], bound: Callable[[Connection], T]) -> R:
        if self._closed:
            raise StoreUnavailable("the server is stopping")
        return await self._loop.run_in_executor(pool, run, bound)

    # --- threads ---------------------------------------------------------------------------------------------------------------------

    def _write(self, run: Callable[[Connection], T]) -> tuple[T, list[Notice]]:
        return _repeated(lambda: _committed(self._connections, run, self._myself))

    def _read(self, run: Callable[[Connection], T]) -> T:
        return _repeated(lambda: _read(self._connections, run))

    def _heard(self, notices: list[Notice]) -> None:
        # the loop is gone only when the program ends without closing the store; nobody waits then
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._tell, notices)

    def _tell(self, notices: Sequence[Notice]) -> None:
        if notices:
            for listener in self._listeners:
                listener(notices)


def _repeated(transaction: Callable[[], R]) -> R:
    """What a transaction returns, which is run again where that mends its error."""
    for attempt in range(ATTEMPTS):
        try:
            return transaction()
        except DBAPIError as error:
            if unavailable(error):
                raise StoreUnavailable(f"the database: {in_words(error)}") from error
            if attempt + 1 == ATTEMPTS or not must_be_repeated(error):
                raise
        # two that met would meet again if they came back at the same moment
        time.sleep(random.uniform(0, BACKOFF_S * 2**attempt))  # noqa: S311 - nobody gains by guessing it
    raise AssertionError("not reached: the last attempt returns or raises")


def _read(connections: Connections, run: Callable[[Connection], T]) -> T:
    with connections.one() as conn, _pipelined(conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"):
        return run(conn)


def _committed(connections: Connections, run: Callable[[Connection], T], sender: str) -> tuple[T, list[Notice]]:
    with connections.one() as conn, _pipelined(conn, "BEGIN"):
        forget(conn)
        outcome = run(conn)
        notices = posted(conn)
        if notices:
            announce(conn, notices, sender)
    return outcome, notices


@contextlib.contextmanager
def _pipelined(conn: Connection, begin: str) -> Generator[None]:
    """A transaction that is one pipeline: see `postgresql_pipeline`. It is committed when the block ends, rolled back when that raises.

    We say BEGIN, COMMIT and ROLLBACK ourselves: the driver would wait for the first, and forget what is prepared with the last. It has
    nothing left to do when SQLAlchemy tells it to end the transaction.
    """
    driver: Any = conn.connection.dbapi_connection
    line: Line = driver.line
    with conn.begin():
        line.begin(begin)
        try:
            yield
            committed = line.commit()
        except psycopg.Error as error:
            line.roll_back()
            raise failure(conn, "COMMIT", None, error) from error
        except BaseException:
            line.roll_back()
            raise
        if not committed:
            raise RuntimeError("the transaction caught an error of the database outside of a savepoint; everything in it was rolled back")
