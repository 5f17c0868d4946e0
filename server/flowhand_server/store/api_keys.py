"""Keys of the API: transactions. A key reads `fhk_PUBLIC_SECRET`, is found by its public part, and only the hash of the whole is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, insert, or_, select, update

from flowhand.clock import to_iso
from flowhand.ids import new_id

from .errors import Conflict, NotFound
from .tables import api_key

PREFIX: Final = "fhk_"
_key = api_key.c


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as it is kept. Times are microseconds since the epoch, UTC."""

    id: str
    name: str
    public: str
    secret_hash: str
    scopes: Sequence[str]
    expires: int | None
    last_used: int | None

    def opens(self, token: str, now: int) -> bool:
        """Whether `token` is this key and still good. Compares in constant time."""
        return hmac.compare_digest(self.secret_hash, _hash(token)) and (self.expires is None or now < self.expires)


def public_part(token: str) -> str | None:
    """By which a key is found; None for what is no key of ours."""
    if not token.startswith(PREFIX):
        return None
    return token.removeprefix(PREFIX).partition("_")[0]


def create_key(conn: Connection, name: str, scopes: Sequence[str], expires: int | None, now: int) -> dict[str, Any]:
    """A new key: what `list_keys` tells of it, and `key` itself, which is never to be had again. Conflict when the name is taken."""
    if conn.execute(select(_key.id).where(_key.name == name, _key.revoked.is_(None))).first():
        raise Conflict(f"there is a key {name!r} already; revoke it first, or choose another name")
    public = secrets.token_hex(6)
    token = f"{PREFIX}{public}_{secrets.token_urlsafe(32)}"
    row = {"id": new_id(), "created": now, "name": name, "public": public, "scopes": list(scopes), "expires": expires}
    conn.execute(insert(api_key).values(**row, secret_hash=_hash(token)))
    return {**_form(conn.execute(select(api_key).where(_key.id == row["id"])).mappings().one()), "key": token}


def list_keys(conn: Connection, *, revoked: bool = False) -> list[dict[str, Any]]:
    """The keys, the oldest first; those that were revoked only when asked for."""
    statement = select(api_key).order_by(_key.created, _key.id)
    return [_form(row) for row in conn.execute(statement if revoked else statement.where(_key.revoked.is_(None))).mappings()]


def revoke_key(conn: Connection, name: str, now: int) -> dict[str, Any]:
    """Ends the key of this name, or with this public part. NotFound when no key that still stands has it."""
    which = (_key.revoked.is_(None), or_(_key.name == name, _key.public == name))
    row = conn.execute(update(api_key).where(*which).values(revoked=now).returning(api_key)).mappings().first()
    if row is None:
        raise NotFound(f"there is no key {name!r}; `flowhand server key ls` lists them")
    return _form(row)


def any_key(conn: Connection) -> bool:
    """Whether a key was ever made: one that has expired or was revoked does not open the doors for everybody."""
    return conn.execute(select(_key.id).limit(1)).first() is not None


def standing_keys(conn: Connection, now: int) -> dict[str, StoredKey]:
    """The keys that open something, by their public part."""
    columns = [_key[name] for name in StoredKey.__dataclass_fields__]
    return {row["public"]: StoredKey(**row) for row in conn.execute(select(*columns).where(*_standing(now))).mappings()}


_USED: Final = update(api_key).where(_key.id == bindparam("b_id")).values(last_used=bindparam("now"))


def mark_used(conn: Connection, key_id: str, now: int) -> None:
    """Notes that a key was used."""
    conn.execute(_USED, {"b_id": key_id, "now": now})


def _standing(now: int) -> tuple[ColumnElement[bool], ...]:
    return _key.revoked.is_(None), or_(_key.expires.is_(None), _key.expires > now)


def _form(row: RowMapping) -> dict[str, Any]:
    times = {name: None if row[name] is None else to_iso(row[name]) for name in ("created", "expires", "last_used", "revoked")}
    return {"name": row["name"], "public": row["public"], "scopes": row["scopes"], **times}


def _hash(token: str) -> str:
    # a key has 256 random bits, so a fast hash is as good as a slow one
    return hashlib.sha256(token.encode()).hexdigest()
