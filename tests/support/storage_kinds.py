"""One way to drive every kind of source through the contract suite: change what it holds, then ask it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from flowhand_storage.blocks import BlockSource
from flowhand_storage.git.source import GitSource
from flowhand_storage.local import LocalSource
from flowhand_storage.source import Source
from support.git_http import GitHttpServer
from support.git_repository import Repository
from support.storage_blocks import FolderBlock
from support.storage_files import Files, write_files


class Origin(Protocol):
    """A place that holds code, and sources that read it. `put` replaces all that it holds by `files` (name to text)."""

    def put(self, files: Files) -> None: ...

    def source(self) -> Source:
        """A new source, sharing nothing with earlier ones."""
        ...

    def missing(self) -> Source:
        """A source of the same kind for something that is not there."""
        ...

    def close(self) -> None:
        """End what was started for it."""
        ...


class LocalOrigin:
    """A folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "local-code"

    def put(self, files: Files) -> None:
        write_files(self.folder, files)

    def source(self) -> Source:
        return LocalSource(self.folder)

    def missing(self) -> Source:
        return LocalSource(self.folder / "nowhere")

    def close(self) -> None:
        """A folder needs no ending."""


class BlockOrigin(LocalOrigin):
    """A storage block over a folder."""

    def source(self) -> Source:
        return BlockSource(FolderBlock(self.folder))

    def missing(self) -> Source:
        return BlockSource(FolderBlock(self.folder / "nowhere"))


class GitOrigin:
    """A repository of this machine; every `put` is a commit."""

    def __init__(self, folder: Path) -> None:
        self.repository = Repository(folder / "repositories")

    def put(self, files: Files) -> None:
        self.repository.commit(files)

    def source(self) -> Source:
        return GitSource(str(self.repository.bare), ref="main")

    def missing(self) -> Source:
        return GitSource(str(self.repository.bare), ref="nowhere")

    def close(self) -> None:
        """A repository needs no ending."""


class GitHttpOrigin(GitOrigin):
    """The same behind a web server that asks for a token."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.server = GitHttpServer(folder / "repositories", ("x-access-token", "token-1234"))
        self.server.__enter__()

    def source(self) -> Source:
        return GitSource(self.server.url(), credentials="token-1234")

    def missing(self) -> Source:
        return GitSource(self.server.url("nowhere"), credentials="token-1234")

    def close(self) -> None:
        self.server.__exit__(None, None, None)
