"""Clients that call an API as fast as it answers: each on a connection of its own, each waiting for its answer before it calls again.

HTTP/1.1 over plain streams, so that the program that measures takes as little as possible of the cores that it shares with the server.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from harness.rest import BenchmarkFailed

Call = tuple[str, bytes]
"""A path below the API's, and a JSON body to post there."""
ANSWER_S: Final = 120.0
UNANSWERED: Final = 0
"""Counted as the status of a call whose connection the server closed, or that it did not answer in time."""


@dataclass(slots=True)
class Answers:
    """What many calls came to: seconds of each, how many had which status, and the seconds that all of them took together."""

    seconds: list[float] = field(default_factory=list[float])
    statuses: Counter[int] = field(default_factory=Counter[int])
    elapsed: float = 0.0

    def with_status(self, least: int) -> int:
        """How many were answered with this status or a higher one."""
        return sum(count for status, count in self.statuses.items() if status >= least)


class Connection:
    """One kept-alive connection."""

    def __init__(self, url: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parts = urlsplit(url)
        self._prefix = parts.path
        self._host = parts.netloc
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, url: str) -> Connection:
        """Connects to the API at `url`."""
        parts = urlsplit(url)
        return cls(url, *await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 20))

    async def post(self, call: Call) -> int:
        """The status of the answer; its body is read and thrown away."""
        path, body = call
        told = f"Host: {self._host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        self._writer.write(f"POST {self._prefix}{path} HTTP/1.1\r\n{told}\r\n\r\n".encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = _length(answer)
        if length:
            await self._reader.readexactly(length)
        return int(answer[9:12])

    def close(self) -> None:
        """Hangs up."""
        self._writer.close()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def press(url: str, clients: Sequence[Iterator[Call]], seconds: float) -> Answers:
    """Has each client make its calls for `seconds`, or until it has none left. A call that was begun is waited for."""
    return asyncio.run(_press(url, clients, seconds))


async def _press(url: str, clients: Sequence[Iterator[Call]], seconds: float) -> Answers:
    answers = Answers()
    connections = [await Connection.open(url) for _ in clients]
    began = time.perf_counter()

    async def work(connection: Connection, calls: Iterator[Call]) -> None:
        while time.perf_counter() - began < seconds and (call := next(calls, None)) is not None:
            sent = time.perf_counter()
            try:
                async with asyncio.timeout(ANSWER_S):
                    answers.statuses[await connection.post(call)] += 1
            except (OSError, asyncio.IncompleteReadError):  # TimeoutError is an OSError
                answers.statuses[UNANSWERED] += 1
                connection.close()
                connection = await Connection.open(url)
            answers.seconds.append(time.perf_counter() - sent)
        connection.close()

    try:
        async with asyncio.TaskGroup() as group:
            for connection, calls in zip(connections, clients, strict=True):
                group.create_task(work(connection, calls))
    except* OSError as gone:
        raise BenchmarkFailed(f"{url} takes no connections any more: {gone.exceptions[0]!r}") from None
    answers.elapsed = time.perf_counter() - began
    return answers
