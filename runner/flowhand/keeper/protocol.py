"""The keeper's protocol: frames of a 4-byte little-endian length and a JSON object. Read by both ends; frozen early, extended by new keys.

Standard library only.
"""

from __future__ import annotations

import json
import struct
from typing import Any, Final

PROTOCOL: Final = 1
"""Grows when an older keeper would misunderstand a newer daemon. HELLO, LIST, KILL, FORGET, RETIRE and EXIT keep their meaning for ever, so
that any daemon can let any older keeper finish its work."""

MAX_FRAME: Final = 64 * 1024 * 1024
_LENGTH: Final = struct.Struct("<I")

Message = dict[str, Any]


class Garbage(ValueError):
    """The peer does not speak the protocol; nothing more can be read from it."""


def pack(message: Message) -> bytes:
    """One frame."""
    body = json.dumps(message, separators=(",", ":")).encode()
    return _LENGTH.pack(len(body)) + body


class Refused(Exception):
    """What was asked is not done; the text is the answer's `error`, in a user's words."""


class Unpacker:
    """Cuts a byte stream into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages completed by `data`. Garbage when a frame is too long or is not a JSON object."""
        buffer = self._buffer
        buffer += data
        messages: list[Message] = []
        at = 0
        while len(buffer) - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(buffer, at)
            if length > MAX_FRAME:
                raise Garbage(f"a frame of {length} bytes")
            stop = at + _LENGTH.size + length
            if stop > len(buffer):
                break
            messages.append(_parse(bytes(buffer[at + _LENGTH.size : stop])))
            at = stop
        del buffer[:at]
        return messages


def _parse(body: bytes) -> Message:
    try:
        message = json.loads(body)
    except ValueError as error:
        raise Garbage(f"a frame that is not JSON ({error})") from None
    if not isinstance(message, dict):
        raise Garbage(f"a frame that is not an object but {type(message).__name__}")
    return message
