"""Which release of Prefect's client asks, by its User-Agent, and what follows from it (contract 1.1)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

Release = tuple[int, int, int]

_CLIENT: Final = re.compile(r"prefect/(\d{1,4})\.(\d{1,4})\.(\d{1,4})")
_RENEWS_SINCE: Final[Release] = (3, 4, 11)
_RESULT_STORAGE_SINCE: Final[Release] = (3, 4, 25)
"""At the latest. Those of 3.2 refuse a pool whose `storage_configuration` has a field that they do not know (`extra="forbid"`)."""


@lru_cache(maxsize=64)
def release_of(user_agent: str) -> Release | None:
    """The client's release; None for anybody else, and for a text that names none."""
    match = _CLIENT.match(user_agent)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def renews_leases(user_agent: str) -> bool:
    """Whether the client renews the lease over its run's slot. Older ones hold the slot without a lease once they run (contract 5.7)."""
    release = release_of(user_agent)
    return release is not None and release >= _RENEWS_SINCE


def knows_result_storage(user_agent: str) -> bool:
    """Whether the client knows that a pool may have a block for results; whoever is no client of Prefect's is taken to."""
    release = release_of(user_agent)
    return release is None or release >= _RESULT_STORAGE_SINCE
