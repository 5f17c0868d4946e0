"""Calling somebody: the request of a webhook or notification, sent once, its answer looked at. No redirects, bounded in time and size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import anyio

from flowhand.errors import FlowhandError
from flowhand_server.automations.addresses import AddressRefused, address_of

TIMEOUT_S: Final = 30.0
"""For the whole of a call, from the look-up of the name to the last byte that is read."""
TOLD: Final = 200
"""Characters of a refusal that are told."""


class CallFailed(FlowhandError):
    """Nobody answered, or the answer was no. The text never holds the URL or a header, which may be secrets."""


@dataclass(frozen=True, slots=True)
class OutsideCall:
    """One request to be made."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    content: bytes | None = field(default=None, repr=False)
    verify: bool = True
    private: bool = True
    """Whether the address may be a private one."""
    key: str = ""
    """The same for each try, so that the other side can tell a second one."""


async def send(call: OutsideCall, timeout_s: float = TIMEOUT_S) -> int:
    """Sends it; the status. CallFailed for no answer or one that says no; AddressRefused for where it may not go. Cancellable."""
    host, port, authority = _place(call.url)
    try:
        with anyio.fail_after(timeout_s):
            address = await address_of(host, port, private=call.private)
            return await _send(call, host, authority, address)
    except TimeoutError:
        raise CallFailed(f"{host!r} did not answer within {timeout_s:g} seconds") from None


def _place(url: str) -> tuple[str, int, str]:
    """Host, port, and both as the Host header has them. AddressRefused, CallFailed."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise CallFailed("the block's URL cannot be used") from None
    if parts.scheme not in ("http", "https") or not host:
        raise AddressRefused("the block's URL is neither http:// nor https://")
    return host, port or (443 if parts.scheme == "https" else 80), parts.netloc.rpartition("@")[2]


async def _send(call: OutsideCall, host: str, authority: str, address: str) -> int:
    import httpx  # 10 MB and 60 ms that a server which never calls anybody does not need

    # without the environment's proxies: the address that was looked at is the one that is called
    async with httpx.AsyncClient(timeout=TIMEOUT_S, verify=call.verify, trust_env=False) as client:
        try:
            url = httpx.URL(call.url).copy_with(host=address)
            headers = {**call.headers, "Host": authority, "Accept-Encoding": "identity", "Idempotency-Key": call.key}
            request = client.build_request(call.method, url, headers=headers, content=call.content, extensions={"sni_hostname": host})
            answer = await client.send(request, stream=True)
            try:
                words = await _beginning(answer)
            finally:
                await answer.aclose()
        except httpx.HTTPError as error:
            raise CallFailed(f"{host!r} did not answer: {type(error).__name__}") from None
        except (TypeError, ValueError, httpx.InvalidURL):  # also what is not ASCII where HTTP has nothing else
            raise CallFailed("the block's URL, method or a header cannot be used") from None
    if not answer.is_success:
        raise CallFailed(f"{host!r} answered {answer.status_code}: {words}")
    return answer.status_code


async def _beginning(answer: Any) -> str:
    """The beginning of an answer, as a text. As it was sent: what an answer unpacks to is not bounded."""
    begun = b""
    async for piece in answer.aiter_raw():
        begun += piece
        if len(begun) >= TOLD:
            break
    return " ".join(begun[:TOLD].decode("utf-8", "replace").split())
