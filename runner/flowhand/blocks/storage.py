"""Storage blocks: what they share, and the one of this machine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from pydantic import Field

from flowhand.blocks.block import Block
from flowhand.blocks.capabilities import GET_DIRECTORY, PUT_DIRECTORY, READ_PATH, WRITE_PATH
from flowhand_storage.dual import dual
from flowhand_storage.errors import SourceNotFound, UnsafePath
from flowhand_storage.ignore import find_rules
from flowhand_storage.transfer import copy_tree
from flowhand_storage.upload_bar import upload_bar


class CodeBlock(Block, ABC):
    """Gives out a folder of code. Its methods are plain in plain code and awaited in async code."""

    _block_schema_capabilities = (GET_DIRECTORY,)

    @abstractmethod
    def get_directory(self, from_path: str | None = None, local_path: str | None = None) -> None:
        """Put the files below `from_path` (counted from the block's own place; all of them unless given) into the folder `local_path`.

        The working directory unless given. Errors of flowhand_storage.errors; UnsafePath for a path that leads out of the block's place.
        """


class StorageBlock(CodeBlock, ABC):
    """Gives out and takes folders and files."""

    _block_schema_capabilities = (PUT_DIRECTORY, READ_PATH, WRITE_PATH)

    @abstractmethod
    def put_directory(self, local_path: str | None = None, to_path: str | None = None, ignore_file: str | None = None) -> int:
        """Put the files of the folder `local_path` below `to_path`, less what the ignore file leaves out; how many. Idempotent.

        Without `ignore_file` the folder's own `.flowhandignore` or `.prefectignore` counts. A terminal shows how it goes.
        """

    @abstractmethod
    def read_path(self, path: str) -> bytes:
        """The content of a file. SourceNotFound."""

    @abstractmethod
    def write_path(self, path: str, content: bytes) -> str:
        """Write a file, in place of what is there, and answer where it is. Idempotent."""


class LocalFileSystem(StorageBlock):
    """A folder of the machine that uses it."""

    _block_type_name = "Local File System"

    basepath: str | None = Field(default=None, description="The folder that paths count from; the working directory unless given.")

    @dual
    def get_directory(self, from_path: str | None = None, local_path: str | None = None) -> None:
        """See `CodeBlock.get_directory`."""
        source, target = self._resolve(from_path), Path(local_path or ".").resolve()
        if source != target:
            copy_tree(source, target)

    @dual
    def put_directory(self, local_path: str | None = None, to_path: str | None = None, ignore_file: str | None = None) -> int:
        """See `StorageBlock.put_directory`."""
        source, target = Path(local_path or ".").resolve(), self._resolve(to_path)
        if source == target:
            return 0
        with upload_bar() as progress:
            return copy_tree(source, target, find_rules(source, Path(ignore_file) if ignore_file else None), progress=progress)

    @dual
    def read_path(self, path: str) -> bytes:
        """See `StorageBlock.read_path`."""
        place = self._resolve(path)
        if not place.is_file():
            raise SourceNotFound(f"there is no file {place}")
        return place.read_bytes()

    @dual
    def write_path(self, path: str, content: bytes) -> str:
        """See `StorageBlock.write_path`."""
        place = self._resolve(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        return str(place)

    def _resolve(self, path: str | None) -> Path:
        base = Path(self.basepath or ".").expanduser().resolve()
        place = (base / Path(path or ".").expanduser()).resolve()
        if not place.is_relative_to(base):
            raise UnsafePath(f"{path} is outside of the block's folder, {base}")
        return place
