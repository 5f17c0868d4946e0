"""httpx, loaded without its command line, and its clients as all of ours use them."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.request import getproxies, proxy_bypass

from flowhand.client.address import Address
from flowhand.client.identity import headers
from flowhand.errors import ConfigurationError
from flowhand.lean import without

with without("httpx._main"):
    import httpx

__all__ = ["HotPath", "async_client", "httpx", "sync_client", "verify"]

CONNECT_S: Final = 5.0
_LIMITS: Final = httpx.Limits(max_connections=16, max_keepalive_connections=8, keepalive_expiry=30.0)


def sync_client(address: Address, timeout_s: float) -> httpx.Client:
    """A client with connections kept alive. `timeout_s` bounds each read, connecting at most 5 s."""
    return httpx.Client(**_options(address, timeout_s))


def async_client(address: Address, timeout_s: float) -> httpx.AsyncClient:
    """The same for a loop; it belongs to the loop that first uses it."""
    return httpx.AsyncClient(**_options(address, timeout_s))


class HotPath:
    """POST and nothing else, on httpx's own transport: connections kept alive, proxies of the environment honoured, none of a client's
    cookies, redirects and merging, which are a third of a small request's CPU. Raises httpx.TransportError. Belongs to one loop.
    """

    def __init__(self, address: Address) -> None:
        self._base = httpx.URL(address.url + "/")
        self._urls: dict[str, httpx.URL] = {}
        always = {**_headers(address), "Host": self._base.netloc.decode("ascii"), "Content-Type": "application/json"}
        self._headers = httpx.Headers(always).raw
        self._transport = httpx.AsyncHTTPTransport(verify=verify(address), limits=_LIMITS, proxy=_proxy(address))

    async def post(self, path: str, content: bytes, headers: Mapping[str, str], timeout_s: float) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of the answer. Cancellable; a cancelled request may or may not have reached the server."""
        timeout = {"connect": min(CONNECT_S, timeout_s), "read": timeout_s, "write": timeout_s, "pool": timeout_s}
        url = self._urls.get(path) or self._urls.setdefault(path, self._base.join(path))
        raw = [*self._headers, *((name.encode("ascii"), value.encode("ascii")) for name, value in headers.items())]
        request = httpx.Request("POST", url, headers=raw, content=content, extensions={"timeout": timeout})
        response = await self._transport.handle_async_request(request)
        try:
            return response.status_code, response.headers, await response.aread()
        finally:
            await response.aclose()

    async def close(self) -> None:
        """Closes its connections; idempotent."""
        await self._transport.aclose()


def _options(address: Address, timeout_s: float) -> dict[str, Any]:
    return {
        "base_url": address.url,
        "headers": _headers(address),
        "timeout": httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s)),
        "limits": _LIMITS,
        "follow_redirects": False,
        "trust_env": not address.local,
        "verify": verify(address),
    }


def _headers(address: Address) -> dict[str, str]:
    return {**headers(), **({"Authorization": address.authorization} if address.authorization else {})}


def verify(address: Address) -> ssl.SSLContext | bool:
    if not address.url.startswith("https:"):
        return _no_tls()
    return True if address.tls_ca is None else _also_trusting(address.tls_ca)


def _proxy(address: Address) -> str | None:
    url = httpx.URL(address.url)
    if address.local or proxy_bypass(url.host):
        return None
    proxies = getproxies()
    return proxies.get(url.scheme) or proxies.get("all")


def _also_trusting(authorities: Path) -> ssl.SSLContext:
    """The usual authorities, and these. ConfigurationError when the file holds none."""
    context = httpx.create_ssl_context()
    try:
        context.load_verify_locations(authorities)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"FLOWHAND_API_TLS_CA: {authorities} cannot be used: {error}") from None
    return context


def _no_tls() -> ssl.SSLContext:
    """For a plain http address: trusts nobody, and spares the loading of certificates (30 ms) that no request will need."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
