"""Named points of the program at which a test can hold it, to kill, stop or starve somebody at that very moment.

Off, which is the normal case, a point is a call of a function that does nothing; that is decided once, when this module is loaded. On,
FLOWHAND_TEST_FAILPOINTS names a folder. A file there that has a point's name arms it: the first process that comes by takes the file
(renames it to `NAME.held`, with its pid inside), stands still with all it does, and goes on when that file is gone. Standard library only.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

VARIABLE: Final = "FLOWHAND_TEST_FAILPOINTS"
HELD: Final = ".held"
LONGEST_S: Final = 120.0
"""After so long a process goes on by itself: a test that died holds nobody for ever."""
_LOOK_EVERY_S: Final = 0.005


def _pass(_name: str) -> None:
    """There is nothing here."""


def _hold_in(folder: Path) -> Callable[[str], None]:
    def hold(name: str) -> None:
        held = folder / (name + HELD)
        try:
            (folder / name).rename(held)
        except FileNotFoundError:
            return
        held.write_text(str(os.getpid()))
        until = time.monotonic() + LONGEST_S
        while held.exists() and time.monotonic() < until:
            time.sleep(_LOOK_EVERY_S)

    return hold


_folder = os.environ.get(VARIABLE)
fail_point: Final[Callable[[str], None]] = _hold_in(Path(_folder)) if _folder else _pass
"""Called with the name of the point that the program has come to."""
