"""One connection to the keeper's socket: who is there, what it says, what is still to be sent to it."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable
from typing import Final

from flowhand.keeper.loop import READABLE, WRITABLE, Loop
from flowhand.keeper.protocol import Garbage, Message, Unpacker, pack

_CREDENTIALS: Final = struct.Struct("iII")
_READ: Final = 256 * 1024
_PATIENCE: Final = 1 << 20
"""Bytes unsent beyond which doorbells wait; they say the same thing later, as one."""


class Peer:
    """A connected process of the same user. `gone(peer, why)` is called once, when nothing can be read from it any more."""

    def __init__(self, loop: Loop, sock: socket.socket, said: Callable[[Peer, Message], None], gone: Callable[[Peer, str], None]) -> None:
        self._loop = loop
        self._sock = sock
        self._said = said
        self._gone = gone
        self._unpacker = Unpacker()
        self._unsent = bytearray()
        self._writing = False
        self.pid, self.uid, _ = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
        sock.setblocking(False)
        loop.watch(sock.fileno(), self._ready)

    @property
    def busy(self) -> bool:
        """Whether it is slow to read."""
        return len(self._unsent) > _PATIENCE

    def say(self, message: Message) -> None:
        """Queues a message; `flush` sends."""
        self._unsent += pack(message)

    def flush(self) -> None:
        """Sends what can be sent now; the rest goes when there is room."""
        if self._unsent and self._sock.fileno() >= 0:
            try:
                sent = self._sock.send(self._unsent, socket.MSG_NOSIGNAL)
            except BlockingIOError:
                sent = 0
            except OSError as error:
                self._gone(self, os.strerror(error.errno or 0))
                return
            del self._unsent[:sent]
        if bool(self._unsent) != self._writing:
            self._writing = not self._writing
            self._loop.watch(self._sock.fileno(), self._ready, READABLE | WRITABLE if self._writing else READABLE)

    def close(self) -> None:
        """Idempotent."""
        if self._sock.fileno() >= 0:
            self._loop.unwatch(self._sock.fileno())
            self._sock.close()
            self._unsent.clear()
            self._writing = False

    def _ready(self, events: int) -> None:
        if events & WRITABLE:
            self.flush()
        if self._sock.fileno() >= 0 and events & ~WRITABLE:
            self._read()

    def _read(self) -> None:
        try:
            data = self._sock.recv(_READ)
            messages = self._unpacker.feed(data)
        except BlockingIOError:
            return
        except Garbage as error:
            self._gone(self, f"it sent {error}")
            return
        except OSError as error:
            self._gone(self, os.strerror(error.errno or 0))
            return
        for message in messages:
            self._said(self, message)
        if not data:
            self._gone(self, "it closed")
