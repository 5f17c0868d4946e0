"""Failed attempts to prove who one is, counted by address: so many at once, then one now and again.

Guessing a password needs many attempts; a client with a wrong one needs few to be told. Memory is bounded: with more addresses than are
remembered, those that failed longest ago are forgotten.
"""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

BURST: Final = 20
REFILL_S: Final = 3.0
"""Seconds for one more attempt."""
ADDRESSES: Final = 4096


class Failures:
    """Counts. `monotonic` tells seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._full_at: OrderedDict[str, float] = OrderedDict()
        """When each address will have all its attempts back."""

    def wait(self, address: str) -> int:
        """Whole seconds until this address may try again; 0: now."""
        if not self._full_at:
            return 0
        full_at = self._full_at.get(_neighbourhood(address), 0.0)
        return max(0, math.ceil(full_at - self._monotonic() - (BURST - 1) * REFILL_S))

    def note(self, address: str) -> None:
        """One more failure from there."""
        key, now = _neighbourhood(address), self._monotonic()
        self._full_at[key] = max(self._full_at.pop(key, now), now) + REFILL_S
        if len(self._full_at) > ADDRESSES:
            self._full_at.popitem(last=False)


def _neighbourhood(address: str) -> str:
    """What one machine may have many of counts as one: the /64 of an IPv6 address (RFC 6177)."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))
    except ValueError:
        return address
