"""Telling systemd how we are: READY, STOPPING, WATCHDOG, and more time to stop (sd_notify(3)).

Silent when nobody asked: without NOTIFY_SOCKET every call does nothing.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping


class Notifier:
    """One datagram a message, to the socket that systemd named."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        micros = environ.get("WATCHDOG_USEC", "")
        pid = environ.get("WATCHDOG_PID", "")
        ours = not pid or pid == str(os.getpid())
        self.watchdog_s: float | None = int(micros) / 1e6 if micros.isdigit() and ours else None
        """Seconds within which systemd wants a sign of life; None when it does not."""

    def ready(self, status: str) -> None:
        """The daemon has its session and claims."""
        self._send(f"READY=1\nSTATUS={status}")

    def status(self, status: str) -> None:
        """One line for `systemctl status`."""
        self._send(f"STATUS={status}")

    def watchdog(self) -> None:
        """A claim went round."""
        self._send("WATCHDOG=1")

    def stopping(self, seconds: float) -> None:
        """We drain, for at most so many seconds."""
        self._send(f"STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC={int(seconds * 1e6)}")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.sendto(message.encode(), self._address)
