"""Identifiers: UUIDs as lower-case text with dashes.

Rows that are written in order of time (runs, states, logs, events) take version 7 ids, so that their index grows at its end.
"""

from __future__ import annotations

import os
import time
import uuid


def new_id() -> str:
    """A random id (version 4)."""
    return str(uuid.uuid4())


def timed_id() -> str:
    """An id that sorts by the time it was made (RFC 9562 version 7: 48 bits of milliseconds, 12 bits of their fraction, 62 random)."""
    nanos = time.time_ns()
    millis, rest = divmod(nanos, 1_000_000)
    fraction = rest * 4096 // 1_000_000
    value = (millis & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62
    value |= int.from_bytes(os.urandom(8), "big") & 0x3FFF_FFFF_FFFF_FFFF
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def derived_id(*parts: str) -> str:
    """The id that these parts have, always the same one (RFC 9562 version 8)."""
    from hashlib import blake2b  # loads OpenSSL, which only runs of tasks need

    value = int.from_bytes(blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest(), "big")
    value = value & ~(0xF << 76) & ~(0b11 << 62) | 0x8 << 76 | 0b10 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def is_id(text: str) -> bool:
    """Whether `text` is a UUID in any of its written forms."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
