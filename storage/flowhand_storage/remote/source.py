"""Remote files as a source."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowhand_storage.errors import FetchFailed
from flowhand_storage.local import LocalSource
from flowhand_storage.locks import FileLock, lock
from flowhand_storage.paths import digest, label
from flowhand_storage.records import LOCK_SUFFIX, beside
from flowhand_storage.remote.address import RemoteAddress, parse_remote
from flowhand_storage.remote.archive import unpack
from flowhand_storage.remote.copy import RemoteCopy
from flowhand_storage.remote.filesystem import Entry, RemoteTree, open_tree
from flowhand_storage.source import Source

_WAIT = 1800.0


@dataclass(frozen=True, slots=True)
class _Listed:
    """What a listing found, with the file system that it was made through: opening one may take longer than all the rest."""

    revision: str
    entries: Sequence[Entry]
    tree: RemoteTree


class RemoteSource:
    """The files below an address, or in the archive that it names. The revision is a digest of all their marks."""

    def __init__(self, address: RemoteAddress) -> None:
        self.address = address
        self._listed: _Listed | None = None

    @property
    def label(self) -> str:
        return self.address.shown.rstrip("/").rpartition("/")[2] or self.address.scheme

    @property
    def identity(self) -> str:
        return f"remote {self.address.identity}"

    def revision(self, cache: Path) -> str:
        """Lists the files; fetches those of which the source tells no mark."""
        folder = self._copy_folder(cache)
        with self._locked(folder):
            self._listed = self._list(RemoteCopy(folder))
            return self._listed.revision

    def fetch(self, revision: str, folder: Path, cache: Path) -> None:
        copied = self._copy_folder(cache)
        with self._locked(copied):
            copy = RemoteCopy(copied)
            listed = self._listed if self._listed and self._listed.revision == revision else self._list(copy)
            if _revision_of(copy.update(listed.tree, listed.entries)) != revision:
                raise FetchFailed(f"{self.address.shown} has changed since it was asked for its state; try again")
            self._lay_out(copy, listed.entries, folder)
            # For the collection: this is when it was used last.
            os.utime(copied)

    def _list(self, copy: RemoteCopy) -> _Listed:
        tree = open_tree(self.address)
        entries = tree.list_files()
        return _Listed(_revision_of(copy.marks(tree, entries)), entries, tree)

    def _lay_out(self, copy: RemoteCopy, entries: Sequence[Entry], folder: Path) -> None:
        if self.address.folder is None:
            copy.write_to(folder)
            return
        for entry in entries:
            unpack(copy.path_of(entry.name), folder, self.address.shown, self.address.scrub, subfolder=self.address.folder)

    def _copy_folder(self, cache: Path) -> Path:
        parent = cache / "remote"
        parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return parent / f"{label(self.label)}-{digest(self.address.identity)}"

    def _locked(self, folder: Path) -> FileLock:
        return lock(beside(folder, LOCK_SUFFIX), wait=_WAIT)


def remote_source(url: str, settings: Mapping[str, Any] | None = None) -> Source:
    """The source for an address and its fsspec settings. A folder of this machine needs no fsspec. InvalidSource."""
    address = parse_remote(url, settings or {})
    if address.scheme in ("file", "local") and address.folder is None:
        return LocalSource(Path(address.url.partition("://")[2]))
    return RemoteSource(address)


def _revision_of(marks: Mapping[str, str]) -> str:
    return digest(*(f"{name} {mark}" for name, mark in sorted(marks.items())))
