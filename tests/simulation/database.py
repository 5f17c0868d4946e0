"""The server's database: the real tables and transactions on SQLite in memory, made anew for each seed within microseconds."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from sqlalchemy import Connection, insert

from flowhand_server.store.errors import StoreUnavailable
from flowhand_server.store.notices import Listener, Notice
from flowhand_server.store.sqlite import run_group
from flowhand_server.store.sqlite_engine import engine
from flowhand_server.store.store import Follow, P, T, Transaction, Work
from flowhand_server.store.tables import deployment, flow, meta, metadata, work_pool, work_queue

from .world import World

POOL: Final = "pool"
SERVER_ID: Final = "server"
DEPLOYMENTS: Final = {"crash": None, "retry": None, "limited": 1}
"""Name (and id) to concurrency limit. `limited` runs one at a time, under the `retry` policy."""


@functools.cache
def _furnished() -> tuple[Connection, bytes]:
    """The one connection of this program, and what an empty house looks like in bytes."""
    conn = engine(Path(":memory:")).connect()
    common = {"created": 0, "updated": 0}
    with conn.begin():
        metadata.create_all(conn)
        conn.execute(insert(meta), {"key": "server_id", "value": SERVER_ID})
        conn.execute(insert(flow).values(id="f", name="flow", **common))
        conn.execute(insert(work_pool).values(id="p", name=POOL, type="process", default_queue_id="q", **common))
        conn.execute(insert(work_queue).values(id="q", work_pool_id="p", name="default", **common))
        for name, limit in DEPLOYMENTS.items():
            policy = "crash" if name == "crash" else "retry"
            about = {"flow_id": "f", "name": name, "entrypoint": "f.py:f", "path": ".", "work_queue_id": "q", **common}
            conn.execute(insert(deployment).values(id=name, concurrency_limit=limit, job_variables={"crash_policy": policy}, **about))
    return conn, raw(conn).serialize()


def empty_house() -> Connection:
    """The database as it is before anything has happened."""
    conn, furnished = _furnished()
    raw(conn).deserialize(furnished)
    return conn


def raw(conn: Connection) -> Any:
    """The driver's own connection, for looks that cost microseconds."""
    return conn.connection.dbapi_connection


Planted = Callable[..., Any]
"""Takes the place of a transaction: called with the real one, then with what that would be called with."""


class SimStore:
    """The Store port: transactions wait for the disk, then share a commit, as on the real one. One per life of the server."""

    kind: Literal["sqlite", "postgresql"] = "sqlite"

    def __init__(self, world: World, conn: Connection, committed: Callable[[], None], planted: Mapping[Any, Planted]) -> None:
        self._world = world
        self._planted = planted
        self._conn = conn
        self._committed = committed
        self._listeners: list[Listener] = []
        self._follow: Follow | None = None
        self._line: list[Work] = []
        self._busy = False
        self.full = False
        """The disk takes no writes."""

    async def write(self, transaction: Transaction[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """See the port."""
        planted = self._planted.get(getattr(transaction, "__func__", transaction))
        if planted is not None:
            transaction = functools.partial(planted, transaction)
        future: asyncio.Future[T] = self._world.loop.create_future()
        self._line.append(Work(lambda conn: transaction(conn, *args, **kwargs), future))
        if not self._busy:
            self._busy = True
            self._world.loop.call_later(self._moment(), self._commit)
        return await future

    async def read(self, transaction: Transaction[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """See the port."""
        await asyncio.sleep(self._moment())
        with self._conn.begin():
            return transaction(self._conn, *args, **kwargs)

    def listen(self, listener: Listener) -> None:
        """See the port."""
        self._listeners.append(listener)

    def follow(self, follow: Follow) -> None:
        """See the port."""
        self._follow = follow

    async def close(self) -> None:
        """The connection is kept for the next seed."""

    def _commit(self) -> None:
        group = [work for work in self._line if not work.future.cancelled()]
        self._line.clear()
        notices: list[Notice] = []
        try:
            if self.full:
                raise StoreUnavailable("the disk is full; free some space")
            if group:
                notices = run_group(self._conn, group, self._follow)
        except Exception as error:  # noqa: BLE001 - as in the real store: the failure of all who shared the commit
            for work in group:
                work.error = error
        self._committed()
        self._world.loop.call_later(self._moment(), self._tell, group, notices)

    def _tell(self, group: list[Work], notices: list[Notice]) -> None:
        for work in group:
            work.settle()
        for listener in self._listeners if notices else ():
            listener(notices)
        if self._line:
            self._world.loop.call_later(self._moment(), self._commit)
        else:
            self._busy = False

    def _moment(self) -> float:
        return self._world.random.uniform(0.0001, 0.002)
