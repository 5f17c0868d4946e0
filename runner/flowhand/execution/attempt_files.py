"""The files of attempts as the daemon reads them: by offset, from descriptors that are kept open."""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import Final

from flowhand.execution.launcher import Channel

_KEPT: Final = 512
"""Descriptors kept open at most."""


class AttemptFiles:
    """Reads in the caller's thread: what was written a moment ago is in the page cache."""

    def __init__(self, folder: int) -> None:
        self._folder = folder
        self._open: OrderedDict[tuple[str, Channel], int] = OrderedDict()

    def read(self, key: str, channel: Channel, offset: int, limit: int) -> bytes:
        """At most `limit` bytes from `offset`; empty at the end or when there is no such file (yet)."""
        fd = self._descriptor(key, channel)
        return b"" if fd is None else os.pread(fd, limit, offset)

    def forget(self, key: str) -> None:
        """Lets go of an attempt's files."""
        for channel in Channel:
            fd = self._open.pop((key, channel), None)
            if fd is not None:
                os.close(fd)

    def close(self) -> None:
        """Lets go of all."""
        while self._open:
            os.close(self._open.popitem()[1])

    def _descriptor(self, key: str, channel: Channel) -> int | None:
        name = (key, channel)
        fd = self._open.get(name)
        if fd is not None:
            self._open.move_to_end(name)
            return fd
        try:
            fd = os.open(f"{key}.{channel}", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=self._folder)
        except FileNotFoundError:
            return None
        self._open[name] = fd
        if len(self._open) > _KEPT:
            os.close(self._open.popitem(last=False)[1])
        return fd
