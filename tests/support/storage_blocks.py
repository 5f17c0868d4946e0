"""Blocks as this package sees them: objects with a few names. Folders that give out their files, and secrets."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any


class FolderBlock:
    """A storage block over a folder of this machine."""

    _block_type_slug = "local-file-system"

    def __init__(self, basepath: Path, document_name: str | None = None) -> None:
        self.basepath = basepath
        self._block_document_name = document_name

    def get_directory(self, from_path: str | None = None, local_path: str | None = None) -> None:
        assert local_path is not None
        if not self.basepath.is_dir():
            raise FileNotFoundError(self.basepath)
        shutil.copytree(self.basepath / (from_path or ""), local_path, dirs_exist_ok=True)


class AsyncFolderBlock(FolderBlock):
    """The same for async code."""

    async def get_directory(self, from_path: str | None = None, local_path: str | None = None) -> None:
        super().get_directory(from_path, local_path)


class SecretBlock:
    """A block that holds one secret."""

    _block_type_slug = "secret"

    def __init__(self, value: Any, document_name: str | None = None) -> None:
        self._value = value
        self._block_document_name = document_name

    def get(self) -> Any:
        return self._value


class TokenBlock:
    """A credentials block of a git host."""

    _block_type_slug = "github-credentials"

    def __init__(self, token: Any, document_name: str | None = None) -> None:
        self.token = token
        self._block_document_name = document_name


class Hidden:
    """A secret type as pydantic's: shown only when asked for by name."""

    def __init__(self, value: str) -> None:
        self._value = value

    def get_secret_value(self) -> str:
        return self._value
