"""The channel from a run's process to its keeper: JSON frames over a SOCK_SEQPACKET socket (docs/protocol.md, The child).

A packet is one byte of flags and a piece of a frame; MORE says that the frame goes on in this sender's next packet. The keeper knows each
sender's pid, so processes that a flow forks may write here too. Frames are written in the caller's thread; none is started.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Generator
from typing import Any, Final

from flowhand.wire.records import MAX_BODY, MORE

_encode: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, default=str).encode
_PIECE: Final = MAX_BODY - 1
_LAST: Final = bytes([0])
_MORE: Final = bytes([MORE])
_LOOK_MS: Final = 50
"""How often whoever waits for an acknowledgement looks whether it was read by another."""
_PATIENCE_S: Final = 1.0
"""How long a process that the flow forked waits for one: another of the run's processes may read it."""
_SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGALRM, signal.SIGINT})


class Channel:
    """One end of the channel. May be used from any thread and after a fork; when the keeper is gone, what is sent is dropped."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        self._socket: socket.socket | None = socket.socket(fileno=descriptor)
        self._socket.setblocking(True)
        self._main = os.getpid()
        self._lock = threading.RLock()
        self._acked = False
        self._why: str | None = None
        os.register_at_fork(after_in_child=self._forked)

    @property
    def ours(self) -> bool:
        """Whether this process is the run's own, not one that it forked."""
        return os.getpid() == self._main

    def bequeath(self) -> int:
        """The descriptor, which now outlives an exec: the program that follows speaks here."""
        if self._socket is None:
            return -1
        self._socket.set_inheritable(True)
        return self._socket.fileno()

    def send(self, frame: dict[str, Any]) -> bool:
        """Writes one frame; may block while the keeper is busy. False when nobody is there any more."""
        data = _encode(frame).encode("ascii")
        with self._lock:
            if self._socket is None:
                return False
            try:
                if len(data) <= _PIECE:
                    self._packet(_LAST, data)
                else:
                    self._pieces(data)
            except OSError:
                self._socket = None  # the keeper is gone: the run goes on, its words go to stderr
                return False
        return True

    def received(self) -> dict[str, Any] | None:
        """What the keeper says next; None when it says no more."""
        return self._received(0)

    def stopped_for(self) -> str | None:
        """Why the keeper stops this process, as it has said last; None when it has not. Never blocks."""
        while self._heard():
            pass
        return self._why

    def acknowledged(self, frame: dict[str, Any]) -> bool:
        """Sends a frame and waits for the keeper's word that it is filed. False when nobody is there any more, or when another of the run's
        processes seems to have read that word: the run's own process reads all that has come, so what it forked waits for a second only."""
        with self._lock:
            self.stopped_for()  # a word on an earlier frame that nobody waits for any more is not taken for this one's
            self._acked = False
            if not self.send(frame):
                return False
            until = math.inf if self.ours else time.monotonic() + _PATIENCE_S
            while not self._acked and time.monotonic() < until:
                if not self._waits():
                    return False
        return self._acked

    def _waits(self) -> bool:
        """For the keeper's next word, which the handler of a signal may read before us; False when there will be none."""
        if self._socket is None:
            return False
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        ready = poll.poll(_LOOK_MS)
        return self._heard() or not any(event & select.POLLHUP for _, event in ready)

    def _heard(self) -> bool:
        """Reads one word, if there is one."""
        said = self._received(socket.MSG_DONTWAIT)
        if said is None:
            return False
        if said.get("k") == "ack":
            self._acked = True
        elif said.get("k") == "stop":
            self._why = said.get("why")
        return True

    def _received(self, flags: int) -> dict[str, Any] | None:
        if self._socket is None:
            return None
        try:
            packet = self._socket.recv(MAX_BODY, flags)
            return json.loads(packet[1:]) if packet else None
        except (OSError, ValueError):
            return None

    def _packet(self, flags: bytes, piece: bytes | memoryview) -> None:
        assert self._socket is not None
        self._socket.sendmsg([flags, piece], (), socket.MSG_NOSIGNAL)

    def _pieces(self, data: bytes) -> None:
        view = memoryview(data)
        with _undisturbed():
            for at in range(0, len(view), _PIECE):
                last = at + _PIECE >= len(view)
                self._packet(_LAST if last else _MORE, view[at : at + _PIECE])

    def _forked(self) -> None:
        self._lock = threading.RLock()


class NullChannel(Channel):
    """A channel that nobody listens to: for the rehearsal before the first fork."""

    def __init__(self) -> None:
        self._socket = None
        self._main = os.getpid()
        self._lock = threading.RLock()
        self._acked = False
        self._why = None

    def send(self, frame: dict[str, Any]) -> bool:
        _encode(frame)
        return True


@contextlib.contextmanager
def _undisturbed() -> Generator[None, None, None]:
    """No signal handler raises in here: half a frame would spoil the next one."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def say_aside(text: str) -> None:
    """To stderr, for what the channel cannot take any more. Never raises."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(text + "\n")
