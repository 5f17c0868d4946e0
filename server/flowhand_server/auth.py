"""What every request passes first: the Host and Origin checks against rebinding, its size, forged requests, who it is from, what that one
may. Plain ASGI.

An open loopback port is open to every web page that the user visits: a page can point a name of its own at 127.0.0.1. Such a request
carries that name as its Host, and the page as its Origin, so both are looked at (the attack is known as DNS rebinding).
"""

from __future__ import annotations

from typing import Final

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from .access.audit import Audit, address_of
from .access.authentication import Authentication, Refusal
from .access.csrf import CsrfTokens
from .access.principal import PRINCIPAL, Principal
from .access.scopes import needed
from .access.size import MAX_BODY, Bounded, told_length
from .config import LOOPBACK, ServerConfig
from .store.errors import StoreUnavailable

OPEN_PATHS: Final = frozenset({"/api/health", "/api/ready"})


class Guard:
    """The outermost middleware but one."""

    def __init__(self, app: ASGIApp, config: ServerConfig, who: Authentication, csrf: CsrfTokens | None, audit: Audit) -> None:
        self._app = app
        self._who = who
        self._csrf = csrf
        self._audit = audit
        self._hosts = LOOPBACK | set(config.allowed_hosts) if config.allowed_hosts or config.host in LOOPBACK else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        refusal = self._out_of_place(headers) or self._too_large_or_forged(scope, headers)
        if refusal is None and scope["type"] == "http" and scope["path"] not in OPEN_PATHS:
            refusal, send = await self._unknown_or_not_allowed(scope, headers, send)
        if refusal is not None:
            await _refuse(scope, send, refusal)
        elif scope["type"] == "http":
            await self._app(scope, Bounded(receive), send)
        else:
            await self._app(scope, receive, send)  # says who it is in its first message (contract 8)

    def _out_of_place(self, headers: dict[bytes, bytes]) -> Refusal | None:
        host = _hostname(headers.get(b"host", b""))
        if self._hosts is not None and host not in self._hosts:
            return Refusal(421, f"this server is not {host!r}; address it as 127.0.0.1 or localhost, or set FLOWHAND_SERVER_ALLOWED_HOSTS")
        origin = headers.get(b"origin")
        if origin is not None and _hostname(origin.partition(b"://")[2]) != host:
            return Refusal(403, "requests from another web page are refused")
        return None

    def _too_large_or_forged(self, scope: Scope, headers: dict[bytes, bytes]) -> Refusal | None:
        if scope["type"] != "http":
            return None
        if told_length(headers) > MAX_BODY:
            return Refusal(413, f"the request is larger than {MAX_BODY} bytes")
        # before asking who it is: the contract wants this refusal to win over the other (contract 1.1)
        forged = self._csrf.refusal(scope["method"], headers) if self._csrf else None
        return Refusal(403, forged) if forged else None

    async def _unknown_or_not_allowed(self, scope: Scope, headers: dict[bytes, bytes], send: Send) -> tuple[Refusal | None, Send]:
        try:
            who = await self._who.of_header(headers.get(b"authorization", b""), address_of(scope))
        except StoreUnavailable:
            return Refusal(503, "Service Unavailable"), send
        if isinstance(who, Refusal):
            return who, send
        need = needed(scope["method"], scope["path"])
        if not who.may(need):
            self._audit.did(scope, who, 403)
            return Refusal(403, who.lacks(need)), send
        scope[PRINCIPAL] = who
        return None, self._audit.following(scope, who, send) if self._audit.follows(scope, need) else send


async def authenticate_socket(scope: Scope, who: Authentication, token: str | None) -> Principal | None:
    """Who sent `token` in the first message of a websocket, else its Authorization header, if that one may use it (contract 8)."""
    header: bytes = dict(scope["headers"]).get(b"authorization", b"")
    try:
        found = await (who.of_header(header, address_of(scope)) if token is None else who.of_message(token, address_of(scope)))
    except StoreUnavailable:
        return None
    return found if isinstance(found, Principal) and found.may(needed("WEBSOCKET", scope["path"])) else None


def _hostname(authority: bytes) -> str:
    text = authority.decode("latin-1").strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.rpartition(":")[0] if text.count(":") == 1 else text


async def _refuse(scope: Scope, send: Send, refusal: Refusal) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": refusal.words})
        return
    # a forged request and one of a key that may not are answered as a route would, the rest as the contract's middleware (contract 1)
    body = orjson.dumps({"detail" if refusal.status == 403 else "exception_message": refusal.words})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if refusal.status == 413:
        headers.append((b"connection", b"close"))
    if refusal.retry_after is not None:
        headers.append((b"retry-after", str(refusal.retry_after).encode()))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
