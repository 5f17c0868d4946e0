"""Secrets at rest: encrypted with a key that was given, or that is a file of the server's home, readable by its owner alone.

Fernet (AES-128-CBC with HMAC-SHA256, github.com/fernet/spec). The file is made on the first use. Whoever moves the database takes it along;
without it the secrets are lost.
"""

from __future__ import annotations

import base64
import hashlib
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from flowhand.errors import ConfigurationError

from .config import ServerConfig

if TYPE_CHECKING:
    from cryptography.fernet import Fernet


class Vault:
    """Turns values into text that only this server's key opens, and back."""

    def __init__(self, path: Path, given: str | None = None) -> None:
        self._path = path
        self._given = given

    @property
    def fingerprint(self) -> str:
        """By which two servers find out whether they have the same key. Makes the file when there is none."""
        return hashlib.sha256(b"flowhand secrets key " + self._key).hexdigest()[:32]

    def lock(self, value: Any) -> str:
        """The value, encrypted."""
        return self._cipher.encrypt(orjson.dumps(value)).decode()

    def open(self, text: str) -> Any:
        """The value that `lock` was given. ConfigurationError when the key is another one."""
        from cryptography.fernet import InvalidToken  # see _cipher

        try:
            return orjson.loads(self._cipher.decrypt(text.encode()))
        except InvalidToken:
            raise ConfigurationError(
                f"{self._where} is not the key that the secrets were encrypted with; put the right one there"
            ) from None

    @cached_property
    def _cipher(self) -> Fernet:
        from cryptography.fernet import Fernet  # 8 MB and 60 ms that a server without secrets never needs

        try:
            return Fernet(self._key)
        except ValueError:
            raise ConfigurationError(f"{self._where} is not a key; put the right one there") from None

    @cached_property
    def _key(self) -> bytes:
        if self._given:
            return self._given.strip().encode()
        try:
            return self._path.read_bytes().strip()
        except FileNotFoundError:
            return self._made()

    @property
    def _where(self) -> str:
        return "FLOWHAND_SERVER_SECRETS_KEY" if self._given else str(self._path)

    def _made(self) -> bytes:
        key = base64.urlsafe_b64encode(os.urandom(32))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return self._path.read_bytes().strip()
        with os.fdopen(handle, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        return key


def vault_of(config: ServerConfig) -> Vault:
    """The vault of a server."""
    return Vault(config.directory / "secrets.key", config.secrets_key)
