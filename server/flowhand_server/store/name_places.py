"""Sets of places in a segment, as bytes: a list where there are few, else a bit for each place."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Final

_LIST: Final = 0
_BITS: Final = 1
_NUMBER: Final = 2
"""Bytes of a place in a list."""


def packed(places: Sequence[int]) -> bytes:
    """The bytes of places that ascend, one at least; each is less than 65,536."""
    size = places[-1] // 8 + 1
    if len(places) * _NUMBER < size:
        return struct.pack(f"<B{len(places)}H", _LIST, *places)
    bits = bytearray(size + 1)
    bits[0] = _BITS
    for place in places:
        bits[1 + (place >> 3)] |= 1 << (place & 7)
    return bytes(bits)


def common(sets: Iterable[bytes]) -> list[int]:
    """The places that are in all of these."""
    lists: list[bytes] = []
    maps: list[int] = []
    for one in sets:
        if one[0] == _LIST:
            lists.append(one)
        else:
            maps.append(int.from_bytes(one[1:], "little"))
    if not lists:
        return _set_bits(_all(maps))
    lists.sort(key=len)
    found = set(_listed(lists[0])).intersection(*map(_listed, lists[1:]))
    return sorted(place for place in found if all(bits >> place & 1 for bits in maps))


def _listed(one: bytes) -> tuple[int, ...]:
    return struct.unpack_from(f"<{(len(one) - 1) // _NUMBER}H", one, 1)


def _all(maps: Sequence[int]) -> int:
    bits = maps[0]
    for other in maps[1:]:
        bits &= other
    return bits


def _set_bits(bits: int) -> list[int]:
    found: list[int] = []
    while bits:
        lowest = bits & -bits
        found.append(lowest.bit_length() - 1)
        bits ^= lowest
    return found
