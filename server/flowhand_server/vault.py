"""Secrets at rest: encrypted with a key that is a file of the server's home, readable by its owner alone.

Fernet (AES-128-CBC with HMAC-SHA256, github.com/fernet/spec). The key is made on the first use. Whoever moves the database takes the file
along; without it the secrets are lost.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from flowhand.errors import ConfigurationError

if TYPE_CHECKING:
    from cryptography.fernet import Fernet


class Vault:
    """Turns values into text that only this server's key opens, and back."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def lock(self, value: Any) -> str:
        """The value, encrypted."""
        return self._cipher.encrypt(orjson.dumps(value)).decode()

    def open(self, text: str) -> Any:
        """The value that `lock` was given. ConfigurationError when the key is another one."""
        from cryptography.fernet import InvalidToken  # see _cipher

        try:
            return orjson.loads(self._cipher.decrypt(text.encode()))
        except InvalidToken:
            raise ConfigurationError(f"{self._path} is not the key that the secrets were encrypted with; put the right one there") from None

    @cached_property
    def _cipher(self) -> Fernet:
        from cryptography.fernet import Fernet  # 8 MB and 60 ms that a server without secrets never needs

        try:
            return Fernet(self._path.read_bytes().strip())
        except FileNotFoundError:
            pass
        except ValueError:
            raise ConfigurationError(f"{self._path} is not a key; put the right one there") from None
        key = Fernet.generate_key()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return Fernet(self._path.read_bytes().strip())
        with os.fdopen(handle, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        return Fernet(key)
