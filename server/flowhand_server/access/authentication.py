"""Who a request is from: the owner of the home by its token, a user by Basic authentication, a key by its scopes (contract 1.1, 8)."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from typing import Final

from flowhand.clock import Clock
from flowhand_server.config import ServerConfig
from flowhand_server.store.api_keys import public_part
from flowhand_server.store.store import Store

from .audit import Audit
from .failures import Failures
from .keys import KeyRing
from .principal import ANYBODY, Principal


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nobody we know: the status and the words to say, and for 429 the seconds after which another attempt is heard."""

    status: int
    words: str
    retry_after: int | None = None


_UNAUTHORIZED: Final = Refusal(401, "Unauthorized")


class Authentication:
    """Tells who somebody is. Keys and the token cannot be guessed, so they are heard from every address; anything else only from one that
    has not failed too often: else whoever shares an address with a mistaken client would be locked out with it.
    """

    def __init__(self, store: Store, config: ServerConfig, clock: Clock, audit: Audit) -> None:
        self._guarded = config.guarded
        self._token = config.token
        self._auth_string = config.auth_string
        self._keys = KeyRing(store, clock)
        self._failures = Failures(clock.monotonic)
        self._audit = audit

    async def of_header(self, authorization: bytes, address: str) -> Principal | Refusal:
        """Who sent this `Authorization` header."""
        if not self._guarded:
            return ANYBODY
        kind, _, given = authorization.decode("latin-1").partition(" ")
        match kind.lower():
            case "bearer":
                return await self._of_secret(given.strip(), address)
            case "basic":
                return await self._of_user(_decoded(given), address)
            case _:
                return self._refused(address, attempt=bool(authorization))

    async def of_message(self, token: str, address: str) -> Principal | Refusal:
        """Who sent this token in the first message of a websocket: a key, the server's token, or the raw `user:password`."""
        if not self._guarded:
            return ANYBODY
        return await (self._of_user(token, address) if ":" in token else self._of_secret(token, address))

    async def _of_secret(self, token: str, address: str) -> Principal | Refusal:
        """Of what cannot be guessed."""
        if self._token and _same(token, self._token):
            return Principal("home")
        return await self._keys.find(token) or self._refused(address, attempt=True)

    async def _of_user(self, given: str, address: str) -> Principal | Refusal:
        """Of `user:password`. A key may stand for the password: Prefect's client sends nothing else over the websockets of servers that are
        not its makers' (its events/clients.py, logging/clients.py).
        """
        user, _, password = given.partition(":")
        if public_part(password):
            return await self._of_secret(password, address)
        if self._failures.wait(address):
            return self._refused(address, attempt=False)
        if self._auth_string and _same(given, self._auth_string):
            return Principal(f"user {user}")
        return self._refused(address, attempt=True)

    def _refused(self, address: str, *, attempt: bool) -> Refusal:
        """A request without credentials is no attempt: nothing can be guessed by it."""
        wait = self._failures.wait(address)
        if wait:
            return Refusal(429, "too many failed attempts to authenticate", wait)
        if attempt:
            self._failures.note(address)
            self._audit.failed(address, blocked_s=self._failures.wait(address))
        return _UNAUTHORIZED


def _same(given: str, kept: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), kept.encode())


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        return ""
