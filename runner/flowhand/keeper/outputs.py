"""The three ways out of an attempt (channel, stdout, stderr) and the files they lead to. The keeper alone reads them, all the time."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any, Final

from flowhand.keeper.channel import ChannelReader, notice_of_loss
from flowhand.keeper.files import OutputFile, Reserve
from flowhand.keeper.loop import Loop

_DRAIN: Final = 64
"""Moves in one drain at most: far more than the pipes hold, and an end to one that is refilled for ever."""


def _text_of_loss(lost: int, why: str) -> bytes:
    return f"\n[{lost} bytes of output were dropped here: {why}]\n".encode()


class Outputs:
    """Moves what is written until every writer has closed. `grown()` rings after bytes came, `ended()` when the last way has closed."""

    def __init__(
        self,
        loop: Loop,
        folder: int,
        key: str,
        ends: tuple[socket.socket, int, int],
        reserve: Reserve,
        *,
        grown: Callable[[], None],
        ended: Callable[[], None],
        peek: Callable[[dict[str, Any]], None],
    ) -> None:
        self._loop = loop
        self._grown = grown
        self._ended = ended
        self._sock, stdout, stderr = ends
        self._files = {
            "channel": OutputFile(folder, f"{key}.channel", notice_of_loss, reserve, records=True),
            "stdout": OutputFile(folder, f"{key}.stdout", _text_of_loss, reserve),
            "stderr": OutputFile(folder, f"{key}.stderr", _text_of_loss, reserve),
        }
        self._channel = ChannelReader(self._sock, self._files["channel"], peek)
        self._open: dict[int, Callable[[], int | None]] = {self._sock.fileno(): self._channel.move}
        for fd, name in ((stdout, "stdout"), (stderr, "stderr")):
            self._open[fd] = lambda fd=fd, file=self._files[name]: file.take(fd)
        for fd in self._open:
            loop.watch(fd, lambda _, fd=fd: self._ready(fd))

    @property
    def open(self) -> bool:
        """Whether anybody may still write."""
        return bool(self._open)

    def sizes(self) -> dict[str, int]:
        """Bytes of each file so far."""
        return {name: file.size for name, file in self._files.items()}

    def tell(self, frame: dict[str, Any]) -> None:
        """Says something to the child, if it listens."""
        if self._sock.fileno() >= 0:
            self._channel.say(frame)

    def hear(self) -> None:
        """Takes what the child has said until now."""
        self._empty(self._sock.fileno())

    def drain(self) -> None:
        """Takes what is buffered now."""
        for fd in list(self._open):
            self._empty(fd)

    def close(self) -> None:
        """Takes what is buffered and lets go; whoever still writes gets EPIPE. Idempotent."""
        self.drain()
        for fd in list(self._open):
            self._close(fd)
        for file in self._files.values():
            file.close()

    def _empty(self, fd: int) -> None:
        for _ in range(_DRAIN):
            if not self._move(fd):
                break

    def _ready(self, fd: int) -> None:
        self._move(fd)

    def _move(self, fd: int) -> int | None:
        move = self._open.get(fd)
        if move is None:
            return None
        moved = move()
        if moved:
            self._grown()
        elif moved == 0:
            self._close(fd)
            if not self._open:
                self._ended()
        return moved

    def _close(self, fd: int) -> None:
        del self._open[fd]
        self._loop.unwatch(fd)
        if fd == self._sock.fileno():
            self._sock.close()
        else:
            os.close(fd)
