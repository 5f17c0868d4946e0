"""How large a request may be, whether it says so or not."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

MAX_BODY: Final = 8_000_000
"""Bytes of one request or message. The largest the contract knows is a batch of logs of 4 MB (contract 7)."""


class TooLarge(HTTPException):
    """A body that went on and on. Answered with 413, and the connection closed: what is left of the body is not read."""

    def __init__(self) -> None:
        super().__init__(413, f"the request is larger than {MAX_BODY} bytes", {"connection": "close"})


def told_length(headers: dict[bytes, bytes]) -> int:
    """The length that a request says it has; more than any when it is no number."""
    length = headers.get(b"content-length", b"0")
    return int(length) if length.isdigit() and len(length) < 20 else MAX_BODY + 1


class Bounded:
    """A `receive` that reads no more than may be: a body sent in chunks says no length."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._seen = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        if self._seen > MAX_BODY:
            raise TooLarge
        return message
