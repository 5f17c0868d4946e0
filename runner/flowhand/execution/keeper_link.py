"""One connection to one keeper: questions and answers by number, and what the keeper says unasked."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import struct
from collections.abc import Callable
from typing import Any, Final, cast

import anyio

from flowhand.errors import KeeperError
from flowhand.keeper.protocol import PROTOCOL, Garbage, Message, Unpacker, pack

ANSWER_S: Final = 10.0
"""Seconds for an answer. The keeper answers in milliseconds or is stopped."""
_DEATH_S: Final = 5.0
"""Seconds between a closed connection and the end of the process that closed it by dying."""
_CREDENTIALS: Final = struct.Struct("iII")


class KeeperRefused(KeeperError):
    """The keeper understood and said no; the text is its own."""


class Link(asyncio.Protocol):
    """`heard(link, message)` is called for what comes unasked, `lost(link)` (set by `connect`) once when the connection has ended."""

    def __init__(self, number: int, pid: int, heard: Callable[[Link, Message], None]) -> None:
        self.number = number
        self.pid = pid
        self.retired = False
        """It starts nothing any more: we have asked for that, or it has said so."""
        self.dropped = ""
        """The keeper's reason for turning to another daemon."""
        self._heard = heard
        self.lost: Callable[[Link], None] = _nobody
        self._unpacker = Unpacker()
        self._ids = itertools.count(1)
        self._asked: dict[int, asyncio.Future[Message]] = {}
        self._transport: asyncio.Transport | None = None
        self._pidfd = os.pidfd_open(pid)

    @property
    def connected(self) -> bool:
        return self._transport is not None

    async def ask(self, op: str, **body: Any) -> Message:
        """The keeper's answer. KeeperRefused when it says no, KeeperError when it is gone or silent."""
        if self._transport is None:
            raise KeeperError(f"the keeper, pid {self.pid}, is gone")
        number = next(self._ids)
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        try:
            self._transport.write(pack({"id": number, "op": op, **body}))
            with anyio.fail_after(ANSWER_S):
                message = await answer
        except TimeoutError:
            silent = f"the keeper, pid {self.pid}, has not answered {op} for {ANSWER_S:g} s"
            raise KeeperError(f"{silent}; if it is suspended (flowhand doctor tells), let it go on with kill -CONT {self.pid}") from None
        finally:
            del self._asked[number]
        if not message.get("ok"):
            raise KeeperRefused(str(message.get("error")))
        return message

    async def dead(self) -> bool:
        """Whether the keeper's process has ended, or ends soon. For a link that was lost."""
        with anyio.move_on_after(_DEATH_S):
            await anyio.wait_readable(self._pidfd)
            return True
        return False

    def close(self) -> None:
        """Idempotent. `lost` is not called."""
        self.lost = _nobody
        if self._transport is not None:
            self._transport.close()
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is none by inheritance

    def data_received(self, data: bytes) -> None:
        try:
            messages = self._unpacker.feed(data)
        except Garbage as error:
            self.dropped = f"it does not speak our protocol: {error}"
            if self._transport is not None:
                self._transport.abort()
            return
        for message in messages:
            number = message.get("id")
            if number is None:
                self._unasked(message)
                continue
            answer = self._asked.get(number)
            if answer is not None and not answer.done():
                answer.set_result(message)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(KeeperError(f"the keeper, pid {self.pid}, has gone"))
        self.lost(self)

    def _unasked(self, message: Message) -> None:
        if message.get("op") == "DROPPED":
            self.dropped = str(message.get("why"))
        elif message.get("op") == "RETIRED":
            self.retired = True
        else:
            self._heard(self, message)


def _nobody(link: Link) -> None:
    """Who is told of the end of a connection that was closed on purpose."""


async def connect(
    folder: int, number: int, pid: int, version: str, heard: Callable[[Link, Message], None], lost: Callable[[Link], None]
) -> Link:
    """A link over which HELLO was said. KeeperError when nobody is there, or another process than `pid`."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.setblocking(False)
    link: Link | None = None
    try:
        # The folder's descriptor stands for its path, which may be longer than the 107 bytes that a socket's name may have.
        sock.connect(f"/proc/self/fd/{folder}/{socket_name(number)}")
        peer, _, _ = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
        if peer != pid:
            raise KeeperError(f"{socket_name(number)} is pid {peer}'s, not the keeper's, pid {pid}")
        link = Link(number, pid, heard)
        made = link
        await asyncio.get_running_loop().create_unix_connection(lambda: made, sock=sock)
        await link.ask("HELLO", protocol=PROTOCOL, version=version, pid=os.getpid())
        link.lost = lost
        if not link.connected:
            raise KeeperError("it left at once")
    except (OSError, KeeperError) as error:
        if link is not None:
            link.close()
        sock.close()
        raise KeeperError(f"the keeper, pid {pid}, cannot be reached: {error}") from error
    return link


def socket_name(number: int) -> str:
    """The socket of the keeper of that number in the instance's folder."""
    return "keeper.sock" if number == 1 else f"keeper.sock.{number}"
