"""What a configuration leaves open is settled by what the database holds."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, select

from flowhand.errors import ConfigurationError
from flowhand_server.config import LOOPBACK, ServerConfig
from flowhand_server.place import read_or_make_token
from flowhand_server.store.api_keys import any_key
from flowhand_server.store.reading import insert_once
from flowhand_server.store.schema import server_id
from flowhand_server.store.store import Store
from flowhand_server.store.tables import meta
from flowhand_server.vault import vault_of

_CSRF: Final = "csrf_key"
_SECRETS: Final = "secrets_key"


async def settle(config: ServerConfig, store: Store) -> ServerConfig:
    """The configuration with the server's id, whether keys are asked for, and the key of CSRF tokens.

    ConfigurationError when others could reach the server and nobody would be asked who they are.
    """
    config = replace(config, server_id=await store.read(server_id))
    if await store.read(any_key):
        # the home's own programs need no key: they can read the token
        config = replace(config, keyed=True, token=config.token or read_or_make_token(config.directory))
    if config.host not in LOOPBACK and not config.guarded and not config.allow_unauthenticated:
        raise ConfigurationError(
            f"refusing to listen on {config.host} without authentication: anybody who reaches it could run code here; make a key with "
            "`flowhand server key create`, set FLOWHAND_SERVER_AUTH_STRING to user:password, or pass --allow-unauthenticated"
        )
    if config.database_url:
        await store.write(_same_key, vault_of(config).fingerprint)
    return replace(config, csrf_key=await store.write(_csrf_key)) if config.csrf else config


def _same_key(conn: Connection, fingerprint: str) -> None:
    """Replicas read each other's secrets. ConfigurationError for one that could not."""
    insert_once(conn, meta, {"key": _SECRETS, "value": fingerprint})
    if conn.execute(select(meta.c.value).where(meta.c.key == _SECRETS)).scalar_one() != fingerprint:
        raise ConfigurationError(
            "the secrets in this database are encrypted with the key of another server: give each the same, by FLOWHAND_SERVER_SECRETS_KEY "
            "or by copying server/secrets.key of the first one's home"
        )


def _csrf_key(conn: Connection) -> str:
    """The key that all replicas sign with; made by the first."""
    insert_once(conn, meta, {"key": _CSRF, "value": secrets.token_hex(32)})
    return conn.execute(select(meta.c.value).where(meta.c.key == _CSRF)).scalar_one()
