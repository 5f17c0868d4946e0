"""Carries the packets of a channel between the keeper and the process in the container."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
import threading
from pathlib import Path
from typing import Final

from flowhand.wire.job import CHANNEL_FILE
from flowhand.wire.records import MAX_BODY, MORE

_CREDENTIALS: Final = struct.Struct("iII")
_ANCILLARY: Final = socket.CMSG_SPACE(_CREDENTIALS.size)
_STOP: Final = b'"k": "stop"'
MAX_GATHERED: Final = 16 * 1024 * 1024
"""Bytes of frames that are not whole yet, of all senders together."""
_OVERHEAD: Final = 64
"""Bytes that a piece takes beside its own: many small ones are no way around the limit."""


class Relay:
    """Takes one connection, the first. `told_to_stop` is set once the container has been told why it is stopped."""

    def __init__(self, folder: Path, keeper: int) -> None:
        self._keeper = socket.socket(fileno=keeper)
        self._door = _listening(folder)
        self._inside: socket.socket | None = None
        self._gathered: dict[int, _Gathered] = {}
        self.told_to_stop = threading.Event()
        self._up = threading.Thread(target=self._from_container, name="channel-up", daemon=True)

    def start(self) -> None:
        """Begins to wait for the container."""
        self._up.start()

    def close(self, patience_s: float) -> None:
        """Carries on what the container has said before it ended; returns when that is done, or patience is over."""
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)  # it may never have come
        self._up.join(patience_s)

    def say(self, frame: bytes) -> None:
        """A frame of our own to the keeper."""
        self._send(frame)

    def _from_container(self) -> None:
        try:
            self._inside, _ = self._door.accept()
        except OSError:
            return
        self._inside.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        threading.Thread(target=self._from_keeper, name="channel-down", daemon=True).start()
        while True:
            try:
                packet, ancillary, _, _ = self._inside.recvmsg(MAX_BODY + 1, _ANCILLARY)
            except OSError:
                return
            if not packet:
                return
            sender = _CREDENTIALS.unpack(ancillary[0][2])[0] if ancillary else 0
            self._whole(sender, packet)

    def _whole(self, sender: int, packet: bytes) -> None:
        """Hands a frame on once all of it is there: to the keeper we are the only sender, and pieces of two frames must not mix."""
        gathered = self._gathered.setdefault(sender, _Gathered())
        gathered.add(packet)
        if not packet[0] & MORE:
            del self._gathered[sender]
            for part in gathered.parts:
                self._packet(part)
        elif sum(one.size for one in self._gathered.values()) > MAX_GATHERED:
            self._drop_longest()

    def _drop_longest(self) -> None:
        """The flow is not ours: what it sends must not fill the host's memory."""
        sender, longest = max(self._gathered.items(), key=lambda item: item[1].size)
        longest.drop()
        sys.stderr.write(
            f"What process {sender} of the container reports is too long: {MAX_GATHERED} bytes are the limit. It was dropped.\n"
        )
        sys.stderr.flush()

    def _from_keeper(self) -> None:
        assert self._inside is not None
        while True:
            try:
                packet = self._keeper.recv(MAX_BODY + 1)
                if not packet:
                    return
                self._inside.send(packet, socket.MSG_NOSIGNAL)
            except OSError:
                return
            if _STOP in packet:
                self.told_to_stop.set()

    def _send(self, frame: bytes) -> None:
        self._packet(b"\0" + frame)

    def _packet(self, packet: bytes) -> None:
        with contextlib.suppress(OSError):  # the keeper is gone, and we with it
            self._keeper.send(packet, socket.MSG_NOSIGNAL)


class _Gathered:
    """Pieces of one frame; once dropped, none, whatever else of it comes."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0
        self._dropped = False

    def add(self, packet: bytes) -> None:
        if not self._dropped:
            self.parts.append(packet)
            self.size += len(packet) + _OVERHEAD

    def drop(self) -> None:
        self._dropped = True
        self.parts, self.size = [], 0


def _listening(folder: Path) -> socket.socket:
    """A socket in the folder. Bound from within it: a path of more than 107 bytes is none (unix(7))."""
    door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    here = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.chdir(folder)
        Path(CHANNEL_FILE).unlink(missing_ok=True)
        door.bind(CHANNEL_FILE)
        Path(CHANNEL_FILE).chmod(0o666)  # for the container's user; nobody else reaches the folder
        door.listen(1)
    finally:
        os.fchdir(here)
        os.close(here)
    return door
