"""Tokens against forged requests, for servers that ask for them (contract 1.1).

A token is not stored: it names its end and is signed, with a key that all replicas find in the database, so each of them knows it again.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, Final

from flowhand.clock import Clock, to_iso
from flowhand.ids import new_id

LASTS_US: Final = 3_600_000_000
CHANGING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
MISSING: Final = "Missing CSRF token."
INVALID: Final = "Invalid CSRF token or client identifier."


class CsrfTokens:
    """Hands them out and knows them again."""

    def __init__(self, key: bytes, clock: Clock) -> None:
        self._key = key
        self._clock = clock

    def issue(self, client: str) -> dict[str, Any]:
        """What the contract answers to a client that asks for a token."""
        now = self._clock.now_us()
        expires = now + LASTS_US
        at = to_iso(now)
        token = f"{expires:x}.{self._signature(client, expires)}"
        return {"id": new_id(), "created": at, "updated": at, "token": token, "client": client, "expiration": to_iso(expires)}

    def refusal(self, method: str, headers: dict[bytes, bytes]) -> str | None:
        """Why a request is not let in; None when it is."""
        if method not in CHANGING:
            return None
        token, client = headers.get(b"prefect-csrf-token"), headers.get(b"prefect-csrf-client")
        if token is None:
            return MISSING
        return None if client is not None and self._good(token.decode("latin-1"), client.decode("latin-1")) else INVALID

    def _good(self, token: str, client: str) -> bool:
        end, _, signature = token.partition(".")
        try:
            expires = int(end, 16)
        except ValueError:
            return False
        right = hmac.compare_digest(signature.encode("latin-1"), self._signature(client, expires).encode())
        return right and self._clock.now_us() < expires

    def _signature(self, client: str, expires: int) -> str:
        return hmac.new(self._key, f"{expires:x} {client}".encode("latin-1", "replace"), hashlib.sha256).hexdigest()
