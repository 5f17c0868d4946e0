"""An older embedded server makes room for a newer one, when nobody is using it."""

from __future__ import annotations

import re

from flowhand.client import server
from flowhand.client.address import Address
from flowhand.client.api import SyncApiClient
from flowhand.client.identity import flowhand_version
from flowhand.client.published import Published
from flowhand.client.stopping import stop_server
from flowhand.errors import ApiError


def is_outdated(published: Published, version: str | None = None) -> bool:
    """Whether a server that was started on demand is of an older version than `version` (default: ours)."""
    return published.embedded and _numbers(published.version) < _numbers(version or flowhand_version())


def give_way(published: Published, address: Address) -> bool:
    """Ends an outdated server that has no session. False when it is in use, or does not say: then it is used as it is."""
    with SyncApiClient(address, timeout_s=5.0, patience_s=0.0) as client:
        try:
            busy = bool(client.send(server.status())["sessions"])
        except (ApiError, KeyError):
            return False
    if not busy:
        stop_server(published)
    return not busy


def _numbers(version: str) -> tuple[int, ...]:
    """The release of a version (`0.10.2rc1` is 0.10.2): what decides whether a server speaks what we speak."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in found.group().split(".")) if found else ()
