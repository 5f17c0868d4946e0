"""Who may speak to the server: credentials, the Host and Origin checks against rebinding, and the size of a request. Plain ASGI.

An open loopback port is open to every web page that the user visits: a page can point a name of its own at 127.0.0.1. Such a request
carries that name as its Host, and the page as its Origin, so both are looked at (the attack is known as DNS rebinding).
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable
from typing import Final

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .config import ServerConfig

MAX_BODY: Final = 8_000_000
"""Bytes of one request. The largest the contract knows is a batch of logs of 4 MB (contract 7)."""
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
OPEN_PATHS: Final = frozenset({"/api/health", "/api/ready"})


class Guard:
    """The outermost middleware."""

    def __init__(self, app: ASGIApp, config: ServerConfig) -> None:
        self._app = app
        self._accepted = tuple(_authorizations(config))
        self._check_host = config.host in LOOPBACK
        self._secrets = tuple(secret.encode() for secret in (config.auth_string, config.token) if secret)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _refuse(scope, send, *refusal)
            return
        if scope["type"] == "http" and b"content-length" not in headers and scope["method"] != "GET":
            receive = _Bounded(receive)
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope, headers: dict[bytes, bytes]) -> tuple[int, str] | None:
        host = _hostname(headers.get(b"host", b""))
        if self._check_host and host not in LOOPBACK:
            return 421, f"this server is not {host!r}; address it as 127.0.0.1 or localhost"
        origin = headers.get(b"origin")
        if origin is not None and _hostname(origin.partition(b"://")[2]) != host:
            return 403, "requests from another web page are refused"
        if scope["type"] == "http":
            length = headers.get(b"content-length", b"0")
            if not length.isdigit() or int(length) > MAX_BODY:
                return 413, f"the request is larger than {MAX_BODY} bytes"
            if self._accepted and scope["path"] not in OPEN_PATHS and not self._known(headers.get(b"authorization", b"")):
                return 401, "Unauthorized"
        return None

    def _known(self, given: bytes) -> bool:
        return any(hmac.compare_digest(given, accepted) for accepted in self._accepted)


def websocket_token_accepted(config: ServerConfig, token: str | None) -> bool:
    """Whether the token of a websocket's first message is good: the raw auth string or the bearer token (contract 8)."""
    if not config.guarded:
        return True
    given = (token or "").encode()
    return any(hmac.compare_digest(given, secret.encode()) for secret in (config.auth_string, config.token) if secret)


def _authorizations(config: ServerConfig) -> Iterable[bytes]:
    if config.token:
        yield b"Bearer " + config.token.encode()
    if config.auth_string:
        yield b"Basic " + base64.b64encode(config.auth_string.encode())


def _hostname(authority: bytes) -> str:
    text = authority.decode("latin-1").strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.rpartition(":")[0] if text.count(":") == 1 else text


async def _refuse(scope: Scope, send: Send, status: int, words: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": words})
        return
    body = orjson.dumps({"exception_message": words})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 413:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class TooLarge(Exception):
    """A request without a length that went on and on."""


class _Bounded:
    """A body of unknown length, cut off at the limit."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._seen = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        if self._seen > MAX_BODY:
            raise TooLarge
        return message
