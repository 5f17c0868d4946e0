"""The channel of an attempt: packets of its processes become records in its channel file, each with its sender's pid.

A packet is one byte of flags (`wire.records.MORE`) and a piece of a JSON frame. The keeper looks into few kinds only: `running`, which
starts the time-out, `unpermitted`, and what is acknowledged once it is in the file. The rest is for the daemon.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable
from typing import Any, Final

from flowhand.keeper.files import OutputFile
from flowhand.wire import records

_CREDENTIALS: Final = struct.Struct("iII")
_ANCILLARY: Final = socket.CMSG_SPACE(_CREDENTIALS.size)
_AT_ONCE: Final = 64
"""Packets taken in one turn at most, so that one loud child does not hold up the others."""

_PEEK: Final = 32
"""Bytes in which a frame's kind stands: `k` is its first key."""

_LOOKED_AT: Final = (b'"running"', b'"secret"', b'"late_hooks"', b'"unpermitted"')
"""Kinds of frames that the keeper acts upon."""

_packet = bytearray(1 + records.MAX_BODY)


def pair() -> tuple[socket.socket, socket.socket]:
    """The keeper's end, non-blocking and told its senders' pids, and the child's."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    return ours, theirs


def notice_of_loss(lost: int, why: str) -> bytes:
    """The record that stands where `lost` bytes of records were dropped."""
    return records.encode(json.dumps({"k": "lost", "bytes": lost, "why": why}).encode())


class ChannelReader:
    """Moves packets into the channel file. `peek(frame)` is given the frames that the keeper acts upon."""

    __slots__ = ("_file", "_peek", "_sock")

    def __init__(self, sock: socket.socket, file: OutputFile, peek: Callable[[dict[str, Any]], None]) -> None:
        self._sock = sock
        self._file = file
        self._peek = peek

    def move(self) -> int | None:
        """Takes what has come, some of it when it is much: bytes of it, 0 at the end, None when there is nothing now."""
        moved = 0
        for _ in range(_AT_ONCE):
            try:
                size, ancillary, flags, _ = self._sock.recvmsg_into([_packet], _ANCILLARY)
            except (BlockingIOError, ConnectionResetError):
                return moved or None
            if not ancillary:
                return moved  # an empty packet comes with its sender, the end of all senders without
            moved += 1 + size
            self._take(size, _CREDENTIALS.unpack(ancillary[0][2])[0], flags)
        return moved

    def say(self, frame: dict[str, Any]) -> None:
        """Tells the child; silently not when it does not listen (a foreign command) or has gone."""
        try:
            self._sock.send(b"\0" + json.dumps(frame).encode(), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        except (BlockingIOError, ConnectionError):
            return

    def _take(self, size: int, pid: int, flags: int) -> None:
        if flags & socket.MSG_TRUNC:
            self._file.lost += size
            return
        if size < 2:
            return
        more, body = _packet[0] & records.MORE, bytes(memoryview(_packet)[1:size])
        start = body[:_PEEK]
        self._file.append(records.encode(body, pid, more), vital=b'"log"' not in start)
        if not more and any(kind in start for kind in _LOOKED_AT):
            self._look(body)

    def _look(self, body: bytes) -> None:
        try:
            frame = json.loads(body)
        except ValueError:
            return  # the daemon, who reads every frame, says what is wrong with it
        if isinstance(frame, dict):
            self._peek(frame)
