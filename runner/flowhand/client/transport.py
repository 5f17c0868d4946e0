"""httpx, loaded without its command line, and its clients as all of ours use them."""

from __future__ import annotations

import ssl
from typing import Any

from flowhand.client.address import Address
from flowhand.client.identity import headers
from flowhand.lean import without

with without("httpx._main"):
    import httpx

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
