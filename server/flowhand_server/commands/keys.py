"""`flowhand server key …`, in the database itself: whoever may open that needs no key to make one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flowhand_server.store import api_keys

from .opening import Database


def create(where: Database, name: str, scopes: Sequence[str], lasts_s: float | None, now: int) -> dict[str, Any]:
    """A new key, told this once."""
    expires = None if lasts_s is None else now + round(lasts_s * 1_000_000)
    with where.transaction() as conn:
        return api_keys.create_key(conn, name, sorted(set(scopes)), expires, now)


def listed(where: Database, *, revoked: bool) -> list[dict[str, Any]]:
    """The keys, without what makes them one."""
    with where.transaction() as conn:
        return api_keys.list_keys(conn, revoked=revoked)


def revoke(where: Database, name: str, now: int) -> dict[str, Any]:
    """Ends a key: servers refuse it two seconds later at the latest."""
    with where.transaction() as conn:
        return api_keys.revoke_key(conn, name, now)
