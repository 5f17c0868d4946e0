"""How large the head of a request may be, and its trailers. The HTTP parser underneath takes any size, and keeps all of it in memory."""

from __future__ import annotations

from typing import Final

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MAX_HEAD: Final = 65_536
"""Bytes of a request's address, headers and trailers. Trace contexts, cookies and long tokens have room; attribution headers need a few
hundred.
"""
MAX_HEADERS: Final = 128
_TOO_LARGE: Final = f"The request's headers are more than {MAX_HEAD} bytes, or more than {MAX_HEADERS} in number."


class BoundedHead(HttpToolsProtocol):
    """One connection. A head that is too large is answered with 431 (RFC 6585, 5) and the connection closed. So are trailers, unless the
    answer has begun; those that are not too large are left out, as nobody here reads any (RFC 9110, 6.5.1).
    """

    _fed = 0
    """Bytes that came since the head began, since the last of the body, or since the last request was complete."""
    _in_head = True
    _head = 0
    """Bytes of the head and the trailers so far, as the parser tells of them."""
    _refused = False

    def data_received(self, data: bytes) -> None:
        """A header that never ends is told to nobody by the parser, so what is fed to it is counted too, all but the body."""
        if self._refused:
            return
        self._fed += len(data)
        super().data_received(data)
        if self._fed > MAX_HEAD and not self._refused:
            self._refuse()

    def on_message_begin(self) -> None:
        self._in_head, self._head = True, 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._head += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head += len(name) + len(value) + 4  # colon, blank and the end of the line
        if self._in_head:
            super().on_header(name, value)
        elif self._head > MAX_HEAD and not self._refused:
            self._refuse()

    def on_headers_complete(self) -> None:
        if self._head > MAX_HEAD or len(self.headers) > MAX_HEADERS:
            self._refuse()
        self._in_head, self._fed = False, 0
        if not self._refused:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._fed = 0
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._fed = 0
        if not self._refused:
            super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        if not self._refused:
            super().handle_websocket_upgrade()

    def _refuse(self) -> None:
        self._refused = True
        if self._in_head or not (self.cycle and self.cycle.response_started):
            self._answer()
        self.transport.close()

    def _answer(self) -> None:
        body = orjson.dumps({"detail": _TOO_LARGE})
        length = str(len(body)).encode()
        head = (b"content-type: application/json\r\ncontent-length: ", length, b"\r\nconnection: close\r\n\r\n")
        self.transport.write(b"".join((STATUS_LINE[431], *head, body)))
