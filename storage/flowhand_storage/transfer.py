"""Folders and files up to remote storage and down from it, for blocks: without checkouts, straight from one place to the other."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flowhand_storage.errors import SourceNotFound
from flowhand_storage.guard import guarded
from flowhand_storage.ignore import IgnoreRules, kept_files
from flowhand_storage.paths import inside
from flowhand_storage.remote.address import parse_remote
from flowhand_storage.remote.filesystem import open_tree

Progress = Callable[[int, int, str], None]
"""Called after each file with the number done, the number of all, and the file's name."""


def upload_tree(
    folder: Path,
    url: str,
    settings: Mapping[str, Any] | None = None,
    *,
    rules: IgnoreRules | None = None,
    progress: Progress | None = None,
) -> int:
    """Put the files of `folder` that the rules keep below `url`; how many. Files there are overwritten, others there stay.

    Idempotent: after an error it can be called again. SourceNotFound when there is no such folder here; else as `RemoteSource.fetch`.
    """
    if not folder.is_dir():
        raise SourceNotFound(f"there is no folder {folder}")
    names = list(kept_files(folder, rules or IgnoreRules()))
    tree = open_tree(parse_remote(url, settings or {}))

    def put(name: str) -> None:
        target = f"{tree.root.rstrip('/')}/{name}"
        tree.filesystem.makedirs(target.rpartition("/")[0], exist_ok=True)
        tree.filesystem.put_file(str(folder / name), target)

    for number, name in enumerate(names, start=1):
        guarded(f"{tree.address.shown}: {name}", tree.address.scrub, lambda name=name: put(name))
        if progress is not None:
            progress(number, len(names), name)
    return len(names)


def download_tree(url: str, folder: Path, settings: Mapping[str, Any] | None = None, *, progress: Progress | None = None) -> int:
    """Put all files below `url` into `folder`, made when missing; how many. Errors as `RemoteSource.fetch`."""
    tree = open_tree(parse_remote(url, settings or {}))
    entries = tree.list_files()
    for number, entry in enumerate(entries, start=1):
        target = inside(folder, entry.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        guarded(
            tree.address.shown, tree.address.scrub, lambda entry=entry, target=target: tree.filesystem.get_file(entry.path, str(target))
        )
        if progress is not None:
            progress(number, len(entries), entry.name)
    return len(entries)


def read_file(url: str, settings: Mapping[str, Any] | None = None) -> bytes:
    """The content of one file. Errors as `RemoteSource.fetch`."""
    tree = open_tree(parse_remote(url, settings or {}))

    def read() -> bytes:
        with tree.filesystem.open(tree.root, "rb") as file:
            return file.read()

    return guarded(tree.address.shown, tree.address.scrub, read)


def write_file(url: str, content: bytes, settings: Mapping[str, Any] | None = None) -> None:
    """Put one file there, in place of what stands there. Idempotent. Errors as `RemoteSource.fetch`."""
    tree = open_tree(parse_remote(url, settings or {}))

    def put() -> None:
        tree.filesystem.makedirs(tree.root.rpartition("/")[0], exist_ok=True)
        tree.filesystem.pipe_file(tree.root, content)

    guarded(tree.address.shown, tree.address.scrub, put)


def copy_tree(source: Path, target: Path, rules: IgnoreRules | None = None, *, progress: Progress | None = None) -> int:
    """Copy the files of a folder of this machine that the rules keep; how many. Links stay links. Idempotent.

    SourceNotFound when there is no such folder.
    """
    if not source.is_dir():
        raise SourceNotFound(f"there is no folder {source}")
    names = list(kept_files(source, rules or IgnoreRules()))
    for number, name in enumerate(names, start=1):
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, place, follow_symlinks=False)
        if progress is not None:
            progress(number, len(names), name)
    return len(names)
