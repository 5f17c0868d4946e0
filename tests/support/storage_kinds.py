"""One way to drive every kind of source through the contract suite: change what it holds, then ask it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Protocol

from flowhand_storage.local import LocalSource
from flowhand_storage.source import Source

Files = dict[str, str]


class Origin(Protocol):
    """A place that holds code, and sources that read it. `put` replaces all that it holds by `files` (name to text)."""

    def put(self, files: Files) -> None: ...

    def source(self) -> Source:
        """A new source, sharing nothing with earlier ones."""
        ...

    def missing(self) -> Source:
        """A source of the same kind for something that is not there."""
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


def write_files(folder: Path, files: Files) -> None:
    """Make `folder` hold just `files`; what begins with a dot at its top stays."""
    folder.mkdir(parents=True, exist_ok=True)
    for entry in folder.iterdir():
        if entry.name == ".git":
            continue
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        # Two writes within one tick of the kernel's clock would else look alike to what compares times.
        stamp = write_files.ticks = getattr(write_files, "ticks", 1_000_000_000) + 1
        os.utime(path, ns=(stamp * 1_000_000_000, stamp * 1_000_000_000))


def read_files(folder: Path) -> Files:
    """The files below `folder` by name, without git's own."""
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }
