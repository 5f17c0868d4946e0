"""Folders of small text files, written and read back."""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path

Files = dict[str, str]

_SECONDS = itertools.count(1_000_000_000)


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
        second = next(_SECONDS)
        os.utime(path, (second, second))


def read_files(folder: Path) -> Files:
    """The files below `folder` by name, without git's own."""
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }
