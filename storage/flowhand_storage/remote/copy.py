"""A local copy of remote files, kept with their marks, so that only what changed is fetched."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from flowhand_storage.errors import FetchFailed
from flowhand_storage.guard import guarded
from flowhand_storage.paths import inside
from flowhand_storage.remote.filesystem import Entry, RemoteTree

_BATCH = 64


class RemoteCopy:
    """The copy in `folder`: the files below `files/`, and in `index.json` the mark of each that is whole.

    A mark is what the source calls the file's state, or a digest of its content where the source has no name for it. Only one process
    may use a copy at a time: hold the lock beside it.
    """

    def __init__(self, folder: Path) -> None:
        self._files = folder / "files"
        self._index = folder / "index.json"
        self._files.mkdir(parents=True, exist_ok=True, mode=0o700)

    def marks(self, tree: RemoteTree, entries: Sequence[Entry]) -> dict[str, str]:
        """The mark of each file by name, as the source has it now. Files of which it tells none are fetched for that."""
        self._fetch(tree, [entry for entry in entries if entry.fingerprint is None])
        known = self._load()
        return {entry.name: entry.fingerprint or known[entry.name] for entry in entries}

    def update(self, tree: RemoteTree, entries: Sequence[Entry]) -> dict[str, str]:
        """Make the copy hold just `entries`; the mark of each. What it has already, with the same mark if they have one, is not fetched."""
        known = self._load()
        self._forget(known, known.keys() - {entry.name for entry in entries})
        self._fetch(tree, [entry for entry in entries if not _is_kept(entry, known)])
        return self._load()

    def write_to(self, folder: Path) -> None:
        """Copy all files into `folder`."""
        for name in self._load():
            target = inside(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(inside(self._files, name), target)

    def path_of(self, name: str) -> Path:
        """Where the copy of a file is."""
        return inside(self._files, name)

    def _fetch(self, tree: RemoteTree, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        known = self._load()
        self._forget(known, known.keys() & {entry.name for entry in entries})
        for batch in _batches(entries):
            targets = [inside(self._files, entry.name) for entry in batch]
            for target in targets:
                target.parent.mkdir(parents=True, exist_ok=True)
            self._get(tree, batch, targets)
            for entry, target in zip(batch, targets, strict=True):
                if entry.size is not None and target.stat().st_size != entry.size:
                    raise FetchFailed(f"{tree.address.shown}: {entry.name} changed while it was fetched; try again")
                known[entry.name] = entry.fingerprint or _content_mark(target)
            self._save(known)

    def _get(self, tree: RemoteTree, batch: Sequence[Entry], targets: Sequence[Path]) -> None:
        paths = [entry.path for entry in batch]
        guarded(tree.address.shown, tree.address.scrub, lambda: tree.filesystem.get(paths, [str(target) for target in targets]))

    def _forget(self, known: dict[str, str], names: set[str]) -> None:
        """Remove files, and folders left empty: a file may come where a folder was."""
        for name in names:
            del known[name]
        if names:
            self._save(known)
        for name in names:
            path = inside(self._files, name)
            path.unlink(missing_ok=True)
            for parent in path.parents:
                if parent == self._files or any(parent.iterdir()):
                    break
                parent.rmdir()

    def _load(self) -> dict[str, str]:
        try:
            known = json.loads(self._index.read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return {str(name): str(mark) for name, mark in known.items() if inside(self._files, name).is_file()}

    def _save(self, known: Mapping[str, str]) -> None:
        descriptor, draft = tempfile.mkstemp(dir=self._index.parent)
        with os.fdopen(descriptor, "w") as file:
            json.dump(known, file)
        Path(draft).replace(self._index)


def _is_kept(entry: Entry, known: Mapping[str, str]) -> bool:
    mark = known.get(entry.name)
    return mark is not None and entry.fingerprint in (None, mark)


def _batches(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    for start in range(0, len(entries), _BATCH):
        yield entries[start : start + _BATCH]


def _content_mark(path: Path) -> str:
    with path.open("rb") as file:
        return "sha256=" + hashlib.file_digest(file, "sha256").hexdigest()
