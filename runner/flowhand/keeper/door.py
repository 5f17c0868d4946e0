"""The keeper's socket. One daemon is obeyed: the holder of the instance's lock that said HELLO last. Whoever else comes is turned away."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Final

from flowhand.keeper import linux
from flowhand.keeper.instance import Instance
from flowhand.keeper.log import say
from flowhand.keeper.loop import Loop
from flowhand.keeper.peer import Peer
from flowhand.keeper.protocol import PROTOCOL, Message, Refused

_STRANGERS: Final = 16
"""Connections that have not said HELLO, at most; then the oldest goes."""

Operation = Callable[[Message], Message]


class Door:
    """Carries requests to `operations` and answers back. `changed()` is called after a daemon's HELLO is answered, and when it has gone."""

    def __init__(
        self, loop: Loop, instance: Instance, version: str, operations: Mapping[str, Operation], changed: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._instance = instance
        self._version = version
        self._operations = operations
        self._changed = changed
        self._daemon: Peer | None = None
        self._strangers: list[Peer] = []
        self._listener = instance.listen()
        loop.watch(self._listener.fileno(), lambda _: self._accept())

    @property
    def attended(self) -> bool:
        """Whether a daemon is connected."""
        return self._daemon is not None

    @property
    def busy(self) -> bool:
        """Whether doorbells had better wait."""
        return self._daemon is None or self._daemon.busy

    def tell(self, message: Message) -> None:
        """Says something unasked to the daemon, if there is one."""
        if self._daemon is not None:
            self._daemon.say(message)

    def flush(self) -> None:
        """Sends what was said in this turn, as few packets."""
        for peer in [self._daemon, *self._strangers]:
            if peer is not None:
                peer.flush()

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        peer = Peer(self._loop, sock, self._said, self._gone)
        if peer.uid != os.getuid():
            say(f"pid {peer.pid} of user {peer.uid} was turned away")
            peer.close()
            return
        if len(self._strangers) >= _STRANGERS:
            self._strangers.pop(0).close()
        self._strangers.append(peer)

    def _said(self, peer: Peer, message: Message) -> None:
        op = message.get("op")
        came = op == "HELLO" and peer is not self._daemon
        try:
            answer = {"ok": True, **self._answer(peer, op, message)}
        except (Refused, OSError) as error:
            answer = {"ok": False, "error": str(error)}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            answer = {"ok": False, "error": f"malformed {op}: {type(error).__name__}: {error}"}
        peer.say({"id": message.get("id"), **answer})
        if came and peer is self._daemon:
            self._changed()

    def _answer(self, peer: Peer, op: object, message: Message) -> Message:
        if op == "HELLO":
            return self._hello(peer)
        if peer is not self._daemon:
            raise Refused("say HELLO first")
        operation = self._operations.get(str(op))
        if operation is None:
            raise Refused(f"unknown op {op!r}")
        return operation(message)

    def _hello(self, peer: Peer) -> Message:
        holder = self._instance.holder()
        if holder is not None and holder != peer.pid:
            raise Refused(f"the instance is held by pid {holder}, not by you, pid {peer.pid}")
        if peer is not self._daemon:
            if self._daemon is not None:
                self._daemon.say({"op": "DROPPED", "why": f"pid {peer.pid} is the daemon now"})
                self._daemon.flush()
                self._daemon.close()
            self._strangers.remove(peer)
            self._daemon = peer
        return {"protocol": PROTOCOL, "version": self._version, "pid": os.getpid(), "boot_id": linux.boot_id()}

    def _gone(self, peer: Peer, why: str) -> None:
        peer.close()
        if peer is self._daemon:
            say(f"the daemon, pid {peer.pid}, has gone: {why}")
            self._daemon = None
            self._changed()
        elif peer in self._strangers:
            self._strangers.remove(peer)
