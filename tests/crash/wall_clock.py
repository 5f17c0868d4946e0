"""The wall clocks of programs under test, set from outside as somebody sets a machine's: `wall_clock.c` is what they load for it."""

from __future__ import annotations

import struct
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).with_suffix(".c")
VARIABLE: Final = "FLOWHAND_TEST_WALL_CLOCK"
_OFF: Final = struct.Struct("=q")


class WallClock:
    """One machine's. `path` is where it is kept; programs started with `environ` read it from then on."""

    def __init__(self, path: Path, library: Path) -> None:
        self._path = path
        self.environ: dict[str, str] = {VARIABLE: str(path), "LD_PRELOAD": str(library)}
        path.write_bytes(_OFF.pack(0))

    def set(self, off_s: float) -> None:
        """Off by so many seconds from now on, in all that were started with it."""
        with self._path.open("r+b") as file:
            file.write(_OFF.pack(round(off_s * 1e6)))


@cache
def library(folder: Path) -> Path:
    """What is preloaded, compiled into the folder. CalledProcessError with the compiler's words when it cannot be."""
    built = folder / "wall_clock.so"
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", str(built), str(SOURCE)], check=True, capture_output=True)
    return built
