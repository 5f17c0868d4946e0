"""A folder's state in one word, read from file attributes alone, so that a change under a shared checkout is noticed cheaply."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Python writes the first; git refreshes its index in the second when asked for the status. Neither is the code.
_NOT_CODE = frozenset({"__pycache__", ".git"})


@dataclass(frozen=True, slots=True)
class Tree:
    """`stamp` changes whenever a file is added, removed or written; `size` is what the files take, in bytes."""

    stamp: str
    size: int


def read_tree(folder: Path) -> Tree:
    """Walk `folder` without following links. OSError when it cannot be read."""
    hashed = hashlib.blake2b(digest_size=16)
    size = 0
    for name, seen in _walk(str(folder), ""):
        size += seen.st_size
        is_file = stat.S_ISREG(seen.st_mode)
        changes = (seen.st_size, seen.st_mtime_ns) if is_file else ()
        hashed.update(repr((name, seen.st_mode, *changes)).encode(errors="surrogatepass"))
    return Tree(hashed.hexdigest(), size)


def remove_tree(folder: Path) -> None:
    """Remove `folder` and all that is in it, also when its folders were made read-only. Nothing there is fine."""
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except PermissionError:
        for parent, _, _ in os.walk(folder):
            Path(parent).chmod(0o700)
        shutil.rmtree(folder)


def empty_tree(folder: Path) -> None:
    """Remove all that is in `folder`, but not itself."""
    remove_tree(folder)
    folder.mkdir(mode=0o700)


def _walk(folder: str, prefix: str) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(folder) as listing:
        entries = sorted(listing, key=lambda entry: entry.name)
    for entry in entries:
        if entry.name in _NOT_CODE:
            continue
        name = prefix + entry.name
        yield name, entry.stat(follow_symlinks=False)
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, name + "/")
