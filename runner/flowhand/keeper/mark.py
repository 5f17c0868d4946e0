"""The environment mark: FLOWHAND__MARK, by which everything that belongs to an attempt is found again in /proc/PID/environ.

/proc shows the memory in which the environment stood when the program was started, so a variable set later is not seen there in processes
that only fork. The keeper is therefore started with a placeholder, and a forked child writes its own mark over it, in place.
"""

from __future__ import annotations

import ctypes
import os
from typing import Final

NAME: Final = "FLOWHAND__MARK"
LONGEST: Final = 200
"""Bytes of a mark at most."""
PLACEHOLDER: Final = " " * LONGEST

_libc: Final = ctypes.CDLL(None)
_libc.getenv.restype = ctypes.c_void_p


class Place:
    """Where the placeholder stands in this process's first environment. To be made before the variable is changed by any other means."""

    def __init__(self) -> None:
        found = len(os.environb.get(NAME.encode(), b"")) == LONGEST
        self._address: int | None = _libc.getenv(NAME.encode()) if found else None

    def write(self, mark: str) -> None:
        """Marks this process and, through `os.environ`, the programs it starts. Padded with blanks in place."""
        if self._address is not None:
            ctypes.memmove(self._address, mark.encode().ljust(LONGEST), LONGEST)
        os.environ[NAME] = mark
