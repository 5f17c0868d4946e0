"""A lease keeps a folder where it is: nothing collects it while any process holds one.

It is a shared lock beside the folder, so it ends with its last holder, killed or not. A forked child shares its parent's lease.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from flowhand_storage.locks import FileLock, lock
from flowhand_storage.records import LOCK_SUFFIX, beside, has_record, read_record, touch_record

_WAIT = 30.0


class Lease:
    """A folder in use. `release` is idempotent; leaving the `with` block releases."""

    def __init__(self, path: Path, held: FileLock) -> None:
        self.path = path
        self._held = held

    @property
    def held(self) -> bool:
        return self._held.held

    def release(self) -> None:
        if self._held.held:
            touch_record(self.path)
        self._held.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()


def hold(path: Path) -> Lease | None:
    """A lease on the checkout or environment that `path` lies in; None when it lies in none, or in one that is gone.

    For a process that was told a path by another one, whose own lease may end: call this first, and fetch again on None.
    """
    real = path.resolve()
    for folder in (real, *real.parents):
        if beside(folder, LOCK_SUFFIX).is_file() and read_record(folder) is not None:
            held = lock(beside(folder, LOCK_SUFFIX), shared=True, wait=_WAIT)
            if has_record(folder) and folder.is_dir():
                touch_record(folder)
                return Lease(folder, held)
            held.release()
            return None
    return None
