"""The audit trail: a line for each change of what others rely on, with who made it and what came of it, and for each refusal.

What runs report is no part of it: their states, logs and events are stored with times of their own. Lines hold no query, header or body,
so no secret gets into them.
"""

from __future__ import annotations

from typing import Any, Final

from starlette.types import Message, Scope, Send

from flowhand.telemetry import logger

from .principal import Principal
from .scopes import Scope as Needed

_ALSO: Final = ("/create_flow_run", "/create_flow_run/bulk", "/runner/session", "/bulk_set_state")
"""Ends of paths that are told of although no scope above `run` is needed: who starts or ends what, and which worker came."""
_log = logger("audit")


class Audit:
    """Writes the trail. A server that asks nobody who he is keeps none."""

    def __init__(self, enabled: bool) -> None:
        self._enabled = enabled

    def follows(self, scope: Scope, needed: Needed) -> bool:
        """Whether the outcome of this request belongs to the trail."""
        if not self._enabled or scope["type"] != "http" or scope["method"] == "GET":
            return False
        return needed in (Needed.DEPLOY, Needed.ADMIN) or scope["path"].endswith(_ALSO)

    def following(self, scope: Scope, principal: Principal, send: Send) -> Send:
        """`send`, with a line written once the answer begins."""

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.did(scope, principal, message["status"])
            await send(message)

        return told

    def did(self, scope: Scope, principal: Principal, outcome: int) -> None:
        """Somebody did something, or was not let."""
        if self._enabled:
            _log.info("request", who=principal.name, address=address_of(scope), what=_what(scope), outcome=outcome)

    def secrets_read(self, scope: Scope, principal: Principal) -> None:
        """Somebody was shown the secrets of a block."""
        if self._enabled:
            _log.info("secrets", who=principal.name, address=address_of(scope), what=_what(scope))

    def failed(self, address: str, *, blocked_s: int) -> None:
        """Somebody could not prove who they are."""
        if blocked_s:
            _log.warning("blocked", address=address, seconds=blocked_s)
        else:
            _log.warning("failed", address=address, outcome=401)


def address_of(scope: Scope) -> str:
    """The address that a request came from; empty for a socket that has none."""
    client: Any = scope.get("client")
    return client[0] if client else ""


def _what(scope: Scope) -> str:
    # as it was sent: an encoded line end must not begin a line of ours
    path = scope.get("raw_path") or scope["path"].encode("ascii", "backslashreplace")
    return f"{scope.get('method', 'WEBSOCKET')} {path.decode('ascii', 'backslashreplace')}"
