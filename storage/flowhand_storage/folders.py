"""Immutable folders by key: each is built once, shared by all who lease it, and built anew when it was written to.

<root>/<key>         the folder; <key>.1, <key>.2 … when an earlier one was changed while in use
<root>/<key>.json    its record, written last: without one the folder is half built
<root>/<key>.lock    exclusive while it is built or removed, shared by leases
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from flowhand_storage.leases import Lease
from flowhand_storage.locks import lock, try_lock
from flowhand_storage.records import (
    LOCK_SUFFIX,
    RECORD_SUFFIX,
    Record,
    beside,
    has_record,
    last_used,
    read_record,
    touch_record,
    write_record,
)
from flowhand_storage.trees import read_tree, remove_tree

Build = Callable[[Path], None]


class FolderStore:
    """The folders below `root`, for any number of processes. `wait` bounds, in seconds, how long one waits for another's build.

    With `sealed`, a folder that was written to since it was built is left to those who use it, and another one is built.
    """

    def __init__(self, root: Path, *, sealed: bool = True, wait: float = 900.0) -> None:
        self.root = root
        self._sealed = sealed
        self._wait = wait

    def lease(self, key: str, about: str, build: Build) -> Lease:
        """A lease on the folder of `key`, which `build` fills when there is none yet; it is given an empty folder at its final place.

        `about` is kept for people to read. What `build` raises comes out, and nothing is kept of the attempt. LockTimeout after `wait`.
        """
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        for generation in itertools.count():
            folder = self.root / (f"{key}.{generation}" if generation else key)
            lease = self._lease_finished(folder) or self._lease_built(folder, about, build)
            if lease is not None:
                return lease
        raise AssertionError("generations do not end")

    def finished(self) -> Iterator[tuple[Path, Record, float]]:
        """Every finished folder with its record and when it was last used (seconds since the epoch)."""
        for path in sorted(self.root.glob("*" + RECORD_SUFFIX)):
            folder = path.with_name(path.name.removesuffix(RECORD_SUFFIX))
            record, used = read_record(folder), last_used(folder)
            if record is not None and used is not None:
                yield folder, record, used

    def _lease_finished(self, folder: Path) -> Lease | None:
        """A lease on `folder` if it is finished and as it was built."""
        if not has_record(folder):
            return None
        held = lock(beside(folder, LOCK_SUFFIX), shared=True, wait=self._wait)
        if self._is_intact(folder):
            touch_record(folder)
            return Lease(folder, held)
        held.release()
        return None

    def _lease_built(self, folder: Path, about: str, build: Build) -> Lease | None:
        """Build `folder` and lease it. None when it is finished, was written to and is in use."""
        held = try_lock(beside(folder, LOCK_SUFFIX)) if has_record(folder) else lock(beside(folder, LOCK_SUFFIX), wait=self._wait)
        if held is not None:
            with held:
                if not self._is_intact(folder):
                    _build(folder, about, build)
        return self._lease_finished(folder)

    def _is_intact(self, folder: Path) -> bool:
        record = read_record(folder)
        if record is None or not folder.is_dir():
            return False
        return not self._sealed or read_tree(folder).stamp == record.stamp


def _build(folder: Path, about: str, build: Build) -> None:
    _erase(folder)
    folder.mkdir(mode=0o700)
    try:
        build(folder)
    except BaseException:
        remove_tree(folder)
        raise
    tree = read_tree(folder)
    write_record(folder, Record(about, tree.stamp, tree.size, time.time()))


def remove_unused(folder: Path) -> bool:
    """Remove a folder, its record and its lock unless somebody holds it; whether that was done."""
    held = try_lock(beside(folder, LOCK_SUFFIX))
    if held is None:
        return False
    with held:
        _erase(folder)
        held.discard()
    return True


def _erase(folder: Path) -> None:
    """The record goes first, so that at no moment a half-removed folder counts as finished."""
    beside(folder, RECORD_SUFFIX).unlink(missing_ok=True)
    remove_tree(folder)
