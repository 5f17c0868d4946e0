"""Counts how often a program waits for PostgreSQL: everything between it and the server passes through here."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

FLUSH: Final = b"H\0\0\0\4"
"""Asks for nothing but what was asked for already (PostgreSQL manual, message formats)."""


class RoundTrips:
    """`count` is how many times the server's answer was followed by another question, on any connection, and the first questions."""

    def __init__(self) -> None:
        self.count = 0


@contextlib.contextmanager
def counting_proxy(url: str, folder: Path) -> Generator[tuple[str, RoundTrips]]:
    """A URL that leads to the same database, and the number of round trips that are made over it. `url` names a socket's folder."""
    target = f"{parse_qs(urlsplit(url).query)['host'][0]}/.s.PGSQL.5432"
    trips = RoundTrips()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{folder}/.s.PGSQL.5432")
        listening.listen()
        threading.Thread(target=_accept, args=(listening, target, trips), daemon=True).start()
        yield url.split("?")[0] + f"?host={folder}", trips
        listening.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket, target: str, trips: RoundTrips) -> None:
    with contextlib.suppress(OSError):  # it is shut down when the test is over
        while True:
            client, _ = listening.accept()
            threading.Thread(target=_pass_on, args=(client, target, trips), daemon=True).start()


def _pass_on(client: socket.socket, target: str, trips: RoundTrips) -> None:
    """Bytes both ways until either side hangs up. What the client sends without waiting for an answer is one question."""
    with contextlib.suppress(OSError), client, socket.socket(socket.AF_UNIX) as server, selectors.DefaultSelector() as waiting:
        server.connect(target)
        waiting.register(client, selectors.EVENT_READ, server)
        waiting.register(server, selectors.EVENT_READ, client)
        answered = True
        while True:
            for key, _ in waiting.select():
                assert isinstance(key.fileobj, socket.socket)
                data = key.fileobj.recv(1 << 16)
                if not data:
                    return
                if key.fileobj is server:
                    answered = True
                elif answered and data != FLUSH:
                    trips.count += 1
                    answered = False
                key.data.sendall(data)
