"""A conversation with a keeper, by hand and blocking."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from flowhand.keeper.protocol import Unpacker, pack


class Talk:
    """One connection. What the keeper says unasked is kept for `hear`."""

    def __init__(self, instance: Path) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(str(instance / "keeper.sock"))
        self._unpacker = Unpacker()
        self._read: list[dict[str, Any]] = []

    def ask(self, op: str, **body: Any) -> dict[str, Any]:
        """The answer to one request."""
        self.send(op, **body)
        aside: list[dict[str, Any]] = []
        while (message := self.hear()).get("id") != 7:
            aside.append(message)
        self._read = aside + self._read
        return message

    def send(self, op: str, **body: Any) -> None:
        """One request; its answer is heard later."""
        self.sock.sendall(pack({"id": 7, "op": op, **body}))

    def hear(self) -> dict[str, Any]:
        """The next message. ConnectionResetError when the keeper has closed."""
        while not self._read:
            data = self.sock.recv(65536)
            if not data:
                raise ConnectionResetError
            self._read += self._unpacker.feed(data)
        return self._read.pop(0)

    def hear_until(self, op: str) -> dict[str, Any]:
        """The next message of that kind; others are passed over."""
        while (message := self.hear()).get("op") != op:
            pass
        return message
