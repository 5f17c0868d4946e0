"""Locks between processes, as flock(2) locks on files: the kernel frees them when their holder is gone, however it went.

A lock belongs to the open file, so a forked child keeps what its parent held until both have let go.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from flowhand_storage.errors import LockTimeout

_FIRST_PAUSE = 0.002
_LONGEST_PAUSE = 0.1


class FileLock:
    """A held lock. `release` is idempotent; leaving the `with` block releases."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor: int | None = descriptor

    @property
    def held(self) -> bool:
        return self._descriptor is not None

    def release(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def discard(self) -> None:
        """Remove the file and release. Only for an exclusive lock: whoever waits for the removed file opens a new one."""
        self.path.unlink(missing_ok=True)
        self.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()


def try_lock(path: Path, *, shared: bool = False) -> FileLock | None:
    """Take the lock at `path` (made when missing) at once, or None when another holder is in the way."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        if _is_file_at(descriptor, path):
            return FileLock(path, descriptor)
        # Its last holder discarded the file between our open and our lock: lock the one that stands there now.
        os.close(descriptor)


def lock(path: Path, *, shared: bool = False, wait: float) -> FileLock:
    """Take the lock at `path`, waiting at most `wait` seconds. LockTimeout names the file."""
    deadline = time.monotonic() + wait
    pause = _FIRST_PAUSE
    while True:
        taken = try_lock(path, shared=shared)
        if taken is not None:
            return taken
        left = deadline - time.monotonic()
        if left <= 0:
            raise LockTimeout(f"{path} is locked by another process for more than {wait:g} s; is one stuck there?")
        # flock has no timed wait, and an alarm signal would be the whole process's: so ask again, ever more seldom.
        time.sleep(min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE)


def _is_file_at(descriptor: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    mine = os.fstat(descriptor)
    return (mine.st_ino, mine.st_dev) == (there.st_ino, there.st_dev)
