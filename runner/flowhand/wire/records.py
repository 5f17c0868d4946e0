"""Records in files: length, checksum, body. The form of the journal and of the channel file.

A record is a 13-byte header (little-endian: body length u32, CRC-32 of the rest of header and body u32, sender pid u32, flags u8) and its
body. A torn tail (short header, short body or wrong checksum) ends the file: what stands before it is whole. Standard library only.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

HEADER: Final = struct.Struct("<IIIB")
_CHECKED: Final = struct.Struct("<IB")
MAX_BODY: Final = 64 * 1024
"""Bytes of one channel packet at most; longer frames go in parts."""
MORE: Final = 1
"""Flag: the frame goes on in the sender's next record."""


class Record(NamedTuple):
    """One record and the offset just behind it."""

    end: int
    pid: int
    flags: int
    body: bytes


def encode(body: bytes, pid: int = 0, flags: int = 0) -> bytes:
    """The record's bytes, header first."""
    crc = zlib.crc32(body, zlib.crc32(_CHECKED.pack(pid, flags)))
    return HEADER.pack(len(body), crc, pid, flags) + body


def decode(data: bytes | memoryview, offset: int = 0, limit: int = 1 << 30) -> Iterator[Record]:
    """Whole records of `data`, whose first byte stands at `offset` of its file; ends at the first torn one.

    `limit` is the longest body believed; a longer length is taken for damage.
    """
    view = memoryview(data)
    at = 0
    while at + HEADER.size <= len(view):
        length, crc, pid, flags = HEADER.unpack_from(view, at)
        stop = at + HEADER.size + length
        if length > limit or stop > len(view):
            return
        body = bytes(view[at + HEADER.size : stop])
        if zlib.crc32(body, zlib.crc32(_CHECKED.pack(pid, flags))) != crc:
            return
        at = stop
        yield Record(offset + at, pid, flags, body)
