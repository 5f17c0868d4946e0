"""httpx, loaded without its command line, and its clients as all of ours use them."""

from __future__ import annotations

import ssl
import sys
from typing import Any

# httpx imports its own command line (click, rich, pygments) wherever those are installed: 270 ms of CPU and 7 MB in every process that
# only wants to send a request. It copes with their absence, so for the moment of the import its command line is absent.
_ABSENT = "httpx._main"
_hidden = _ABSENT not in sys.modules
if _hidden:
    sys.modules[_ABSENT] = None  # pyright: ignore[reportArgumentType]  # what the import system takes for "not there"
try:
    import httpx
finally:
    if _hidden:
        sys.modules.pop(_ABSENT, None)

from flowhand.client.address import Address  # noqa: E402  # after the guarded import above
from flowhand.client.identity import headers  # noqa: E402

__all__ = ["async_client", "httpx", "sync_client"]

CONNECT_S = 5.0


def sync_client(address: Address, timeout_s: float) -> httpx.Client:
    """A client with connections kept alive. `timeout_s` bounds each read, connecting at most 5 s."""
    return httpx.Client(**_options(address, timeout_s))


def async_client(address: Address, timeout_s: float) -> httpx.AsyncClient:
    """The same for a loop; it belongs to the loop that first uses it."""
    return httpx.AsyncClient(**_options(address, timeout_s))


def _options(address: Address, timeout_s: float) -> dict[str, Any]:
    sent = headers()
    if address.authorization:
        sent["Authorization"] = address.authorization
    return {
        "base_url": address.url,
        "headers": sent,
        "timeout": httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s)),
        "limits": httpx.Limits(max_connections=16, max_keepalive_connections=8, keepalive_expiry=30.0),
        "follow_redirects": False,
        "trust_env": not address.local,
        "verify": True if address.url.startswith("https:") else _no_tls(),
    }


def _no_tls() -> ssl.SSLContext:
    """For a plain http address: trusts nobody, and spares the loading of certificates (30 ms) that no request will need."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
