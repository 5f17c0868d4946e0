"""Whole folders up to remote storage and down from it, for blocks: without checkouts, straight from one place to the other."""

from __future__ import annotations

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
