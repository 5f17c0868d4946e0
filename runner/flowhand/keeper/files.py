"""The files of an attempt: opened at the first byte, readable by their owner alone, and patient with a full disk.

When a disk is full, output is dropped and counted rather than left in the pipe: a child never waits for a disk. The count is written into
the file as soon as there is room again. What must not be lost (a run's last word, its exit) may use a small reserve set aside in good
times.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Final

CHUNK: Final = 1 << 20
"""Bytes moved at once at most, so that one loud child does not hold up the others."""

_COPY: Final = 64 * 1024
_RESERVE_BYTES: Final = 256 * 1024
_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


class Reserve:
    """Disk space set aside, given back when the disk is full so that a last word finds room."""

    def __init__(self, folder: int, name: str) -> None:
        self._fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600, dir_fd=folder)
        self.held = False
        """Whether the space is set aside."""
        self.refill()

    def release(self) -> bool:
        """Gives the space back; False when it has been given already."""
        held, self.held = self.held, False
        if held:
            os.ftruncate(self._fd, 0)
        return held

    def close(self) -> None:
        """Lets go of the file; the space stays set aside."""
        os.close(self._fd)

    def refill(self) -> None:
        """Sets the space aside again where there is room."""
        if self.held:
            return
        try:
            os.posix_fallocate(self._fd, 0, _RESERVE_BYTES)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            os.ftruncate(self._fd, 0)
        else:
            self.held = True


class OutputFile:
    """One append-only file with one writer. `size` is what it holds, `lost` what was dropped and not yet said.

    `notice(bytes, why)` is written into the file in place of what was dropped. With `records`, what is appended at once is written as a
    whole or not at all; else as much of it as there is room for.
    """

    __slots__ = ("_fd", "_folder", "_name", "_notice", "_records", "_reserve", "_splices", "_why", "lost", "size")

    def __init__(self, folder: int, name: str, notice: Callable[[int, str], bytes], reserve: Reserve, *, records: bool = False) -> None:
        self._folder = folder
        self._name = name
        self._notice = notice
        self._reserve = reserve
        self._records = records
        self._fd = -1
        self._splices = True
        self._why = ""
        self.size = 0
        self.lost = 0

    def append(self, data: bytes, *, vital: bool = False) -> None:
        """Writes `data`, or drops and counts what finds no room. `vital` data may use the reserve."""
        left = self._put(data)
        if left and vital and self._reserve.release():
            left = self._put(data[len(data) - left :])
        self.lost += left

    def take(self, pipe: int) -> int | None:
        """Moves up to `CHUNK` bytes from a non-blocking pipe; their number, 0 at its end, None when it is empty now."""
        if self._fd >= 0 and self._splices and not self.lost:
            try:
                moved = os.splice(pipe, self._fd, CHUNK, offset_dst=self.size)
            except BlockingIOError:
                return None
            except OSError as error:
                # EINVAL: this file system does not splice. Anything else (a full disk) befalls the copy below too, and is counted there.
                self._splices = error.errno != errno.EINVAL
            else:
                self.size += moved
                return moved
        return self._copy(pipe)

    def close(self) -> None:
        """Says what was lost, from the reserve if need be, and closes. Idempotent."""
        if self.lost:
            self._put(b"")
        if self.lost and self._reserve.release():
            self._put(b"")
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _copy(self, pipe: int) -> int | None:
        try:
            data = os.read(pipe, _COPY)
        except BlockingIOError:
            return None
        if data:
            self.append(data)
        return len(data)

    def _put(self, data: bytes) -> int:
        """How many bytes of `data` found no room. What comes after a loss is written with the notice of it, as a whole or not at all."""
        start, notice = self.size, b""
        if self.lost:
            notice = self._notice(self.lost, self._why)
        left = len(notice) + len(data) - self._write(notice + data)
        if left and (notice or self._records):
            self._cut(start)
            return len(data)
        self.lost = 0
        return left

    def _write(self, data: bytes) -> int:
        """How many bytes found room; `_why` says what stopped the rest."""
        start = self.size
        try:
            if self._fd < 0:
                self._fd = os.open(self._name, _FLAGS, 0o600, dir_fd=self._folder)
            while self.size - start < len(data):
                self.size += os.pwrite(self._fd, memoryview(data)[self.size - start :], self.size)
        except OSError as error:
            self._why = os.strerror(error.errno or 0)
        return self.size - start

    def _cut(self, size: int) -> None:
        if self.size > size:
            os.ftruncate(self._fd, size)
            self.size = size
