"""The journal's file: records appended one by one, replaced as a whole, with room set aside for when the disk is full."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from flowhand.keeper.files import Reserve
from flowhand.wire import records

FULL: Final = (errno.ENOSPC, errno.EDQUOT)


class RecordFile:
    """Opening cuts a torn tail. Nothing here raises because the disk is full; what finds no room is answered with False."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._reserve = Reserve(self._folder, f"{path.name}.reserve")
        self._fd = _opened(path)
        data = path.read_bytes()
        self._found = list(records.decode(data))
        self.size = self._found[-1].end if self._found else 0
        self.torn = len(data) - self.size
        """Bytes cut from the tail at opening; more than zero is worth a word."""
        self._end_at(self.size)

    def take_found(self) -> Iterator[bytes]:
        """The bodies that were there when it was opened, once."""
        found, self._found = self._found, []
        return (record.body for record in found)

    def append(self, body: bytes) -> bool:
        """Adds a record, whole or not at all; from the reserve, when there is no other room."""
        data = records.encode(body)
        if self._write(data) or (self._reserve.release() and self._write(data)):
            self.size += len(data)
            self._reserve.refill()
            return True
        self._end_at(self.size)
        return False

    def replace(self, bodies: Iterable[bytes]) -> bool:
        """Puts a file with these records in the place of this one, synced before it is there."""
        fresh = self._path.with_suffix(".new")
        data = b"".join(records.encode(body) for body in bodies)
        fd = _opened(fresh, os.O_TRUNC)
        old, self._fd = self._fd, fd
        if not self._write(data):
            self._fd = old
            os.close(fd)
            fresh.unlink()
            return False
        if data:
            os.fdatasync(fd)
        fresh.rename(self._path)
        os.close(old)
        self.size = len(data)
        self._reserve.refill()
        return True

    def clear(self) -> None:
        """Begins anew: nothing in it is needed any more."""
        self._end_at(0)
        self.size = 0
        self._reserve.refill()

    def set_room_aside(self) -> None:
        """Again, where it was used up and there is room. Costs nothing while it is there."""
        self._reserve.refill()

    def sync(self) -> None:
        """To the disk itself. Blocks for as long as that takes."""
        os.fdatasync(self._fd)

    def close(self) -> None:
        """Closes it; what is in it stays."""
        os.close(self._fd)
        os.close(self._folder)
        self._reserve.close()

    def _write(self, data: bytes) -> bool:
        try:
            return os.write(self._fd, data) == len(data)  # a disk that fills up writes short once, then refuses
        except OSError as error:
            if error.errno not in FULL:
                raise
            return False

    def _end_at(self, size: int) -> None:
        os.ftruncate(self._fd, size)
        os.lseek(self._fd, size, os.SEEK_SET)


def _opened(path: Path, more: int = 0) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | more, 0o600)
