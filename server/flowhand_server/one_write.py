"""An answer's head and its body in one write.

The web server writes them one after the other, as ASGI tells of them. Each write is a system call, a packet, and something that the client
wakes up for; most answers are small.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from .access.head import BoundedHead

_HEAD: Final = b"HTTP/1.1 "


class Connection(BoundedHead):
    """One connection of the web server."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - as its base
        super().connection_made(cast("asyncio.Transport", HeadWithBody(transport, self.loop)))


class HeadWithBody:
    """A transport that holds a head back for what is written next, until the turn of the loop is over at the latest."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: bytes | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """See asyncio.WriteTransport."""
        held, self._held = self._held, None
        if held is not None:
            self._transport.writelines((held, data))
        elif data.startswith(_HEAD):
            self._held = data
            self._loop.call_soon(self._release)
        else:
            self._transport.write(data)

    def close(self) -> None:
        """See asyncio.BaseTransport: what was written is sent first."""
        self._release()
        self._transport.close()

    def _release(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._transport.write(held)
