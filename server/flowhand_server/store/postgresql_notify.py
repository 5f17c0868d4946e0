"""Notices between replicas: NOTIFY in the transaction, LISTEN on a connection of its own."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, Final

import orjson
import psycopg
import sqlalchemy as sa
import structlog
from sqlalchemy import Connection

from .notices import Notice
from .postgresql_engine import database_url
from .prepared import Prepared

CHANNEL: Final = "flowhand"
MAX_BYTES: Final = 7_900
"""Of one payload; PostgreSQL allows just under 8000 (manual, NOTIFY)."""
AGAIN_AFTER_S: Final = 1.0
_log = structlog.get_logger("flowhand.server")
_NOTIFY: Final = Prepared(sa.select(sa.func.pg_notify(sa.bindparam("channel", type_=sa.Text()), sa.bindparam("payload", type_=sa.Text()))))
_FIELDS: Final = tuple(field.name for field in fields(Notice))
_ALL: Final = [Notice("config")]


def announce(conn: Connection, notices: Sequence[Notice], sender: str) -> None:
    """Has the other replicas told when the transaction is committed. More than one payload holds becomes "everything has changed"."""
    payload = orjson.dumps([sender, [_said(notice) for notice in notices]])
    if len(payload) > MAX_BYTES:
        payload = orjson.dumps([sender, [_said(notice) for notice in _ALL]])
    _NOTIFY.run(conn, channel=CHANNEL, payload=payload.decode())


def _said(notice: Notice) -> dict[str, Any]:
    return {name: value for name in _FIELDS if (value := getattr(notice, name))}


class Ears:
    """The thread that listens. A lost connection is made anew, and everybody told to look: something may have been missed."""

    def __init__(self, url: str, myself: str, heard: Callable[[list[Notice]], None]) -> None:
        self._myself = myself
        self._url = database_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._heard = heard
        self._stopped = threading.Event()
        self._woken, self._waker = socket.socketpair()
        self._thread = threading.Thread(target=self._listen, name="store-ears", daemon=True)

    def start(self) -> None:
        """Begins to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Ends it at once: it waits for the database and for this."""
        self._stopped.set()
        self._waker.send(b"\0")
        self._thread.join()
        self._woken.close()
        self._waker.close()

    def _listen(self) -> None:
        while not self._stopped.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True, application_name="flowhand listener") as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    self._heard(_ALL)
                    self._follow(connection)
            except psycopg.Error as error:
                _log.warning("the database's notices are not heard; connecting again", error=str(error).strip())
                self._stopped.wait(AGAIN_AFTER_S)

    def _follow(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        speaking = select.poll()  # takes descriptors of any number, select() none from 1024 on
        speaking.register(connection, select.POLLIN)
        speaking.register(self._woken, select.POLLIN)
        while not self._stopped.is_set():
            for notify in connection.notifies(timeout=0):
                sender, notices = orjson.loads(notify.payload)
                if sender != self._myself:
                    self._heard([Notice(**notice) for notice in notices])
            speaking.poll()
