"""The store on SQLite: one writer thread with group commit, reader threads beside it.

Transactions queue up while the disk is busy; the writer then runs all that wait, each in a savepoint of its own, and commits them at once.
One that fails is rolled back alone. So a commit to the disk is shared by as many transactions as came meanwhile, and nobody ever finds the
database locked.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from sqlalchemy import Connection

from .errors import StoreUnavailable
from .notices import Listener, Notice, forget, posted
from .sqlite_engine import engine, translate
from .store import Follow, P, T, Transaction, Work

MAX_GROUP: Final = 128
"""Transactions that share one commit."""
READERS: Final = 2


class SqliteStore:
    """A `Store` in one file. Made on the event loop that its callers run on."""

    kind: Literal["sqlite", "postgresql"] = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._writes: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._reads: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._listeners: list[Listener] = []
        self._follow: Follow | None = None
        self._closed = False
        readers = [threading.Thread(target=self._read_loop, name=f"store-reader-{n}", daemon=True) for n in range(READERS)]
        self._threads = [threading.Thread(target=self._write_loop, name="store-writer", daemon=True), *readers]
        for thread in self._threads:
            thread.start()

    async def write(self, transaction: Transaction[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._submit(self._writes, lambda conn: transaction(conn, *args, **kwargs))

    async def read(self, transaction: Transaction[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._submit(self._reads, lambda conn: transaction(conn, *args, **kwargs))

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def follow(self, follow: Follow) -> None:
        self._follow = follow

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._writes.put(None)
        for _ in range(READERS):
            self._reads.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    async def _submit(self, line: queue.SimpleQueue[Work | None], run: Callable[[Connection], T]) -> T:
        if self._closed:
            raise StoreUnavailable("the server is stopping")
        future: asyncio.Future[T] = self._loop.create_future()
        line.put(Work(run, future))
        return await future

    # --- threads ---------------------------------------------------------------------------------------------------------------------

    def _read_loop(self) -> None:
        conn: Connection | None = None
        while (work := self._reads.get()) is not None:
            try:
                conn = conn or engine(self._path, read_only=True).connect()
                work.outcome = work.run(conn)
            except Exception as error:  # noqa: BLE001 - whatever a transaction raises is its caller's
                work.error = translate(error, self._path, read_only=True)
            if conn is not None:
                conn.rollback()
            self._tell([work], [])
        if conn is not None:
            conn.close()

    def _write_loop(self) -> None:
        conn: Connection | None = None
        stop = False
        while not stop:
            group, stop = self._next_group()
            notices: list[Notice] = []
            if not group:
                continue
            try:
                conn = conn or engine(self._path).connect()
                notices = run_group(conn, group, self._follow)
            except Exception as error:  # noqa: BLE001 - it is the failure of all who shared the commit, and theirs to handle
                failure = translate(error, self._path)
                for work in group:
                    work.error = failure
                if isinstance(failure, StoreUnavailable):
                    conn = _give_up(conn)
            self._tell(group, notices)
        if conn is not None:
            conn.close()

    def _next_group(self) -> tuple[list[Work], bool]:
        """All that waits (one at least, unless they have all gone), and whether it is the last."""
        group: list[Work] = []
        work = self._writes.get()
        while work is not None:
            if not work.future.cancelled():
                group.append(work)
            if len(group) == MAX_GROUP:
                return group, False
            try:
                work = self._writes.get_nowait()
            except queue.Empty:
                return group, False
        return group, True

    def _tell(self, group: list[Work], notices: list[Notice]) -> None:
        def on_loop() -> None:
            for work in group:
                work.settle()
            if notices:
                for listener in self._listeners:
                    listener(notices)

        # the loop is gone only when the program ends without closing the store; nobody waits then
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(on_loop)


def run_group(conn: Connection, group: list[Work], follow: Follow | None = None) -> list[Notice]:
    """Runs transactions and commits them together; sets the outcome of each, returns what they posted.

    Raises when none of them is stored: the database failed, or the only one raised. `group` grows by those that follow.
    """
    forget(conn)
    with conn.begin():
        if len(group) == 1:
            group[0].outcome = group[0].run(conn)
        else:
            for work in group:
                _run_in_savepoint(conn, work)
        followers = follow(posted(conn)) if follow else ()
        for work in followers:
            if not work.future.done():
                group.append(work)
                _run_in_savepoint(conn, work)
    return posted(conn)


def _run_in_savepoint(conn: Connection, work: Work) -> None:
    conn.exec_driver_sql("SAVEPOINT work")
    before = len(posted(conn))
    try:
        work.outcome = work.run(conn)
    except Exception as error:
        if not _in_transaction(conn):
            # the database itself gave up (a full disk, a failed write) and has rolled back everything
            raise
        conn.exec_driver_sql("ROLLBACK TO work")
        del posted(conn)[before:]
        work.error = error
    conn.exec_driver_sql("RELEASE work")


def _in_transaction(conn: Connection) -> bool:
    return bool(getattr(conn.connection.dbapi_connection, "in_transaction", False))


def _give_up(conn: Connection | None) -> None:
    """Drops a connection that failed; the next group opens a new one."""
    if conn is not None:
        with contextlib.suppress(Exception):
            conn.invalidate()
            conn.close()
