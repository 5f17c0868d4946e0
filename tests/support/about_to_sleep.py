"""A program that is held in the instant before it goes to sleep: `about_to_sleep.c` is what it loads for that."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from support.worker import wait_for

SOURCE: Final = Path(__file__).with_suffix(".c")
WITHIN_S: Final = 30.0


class AboutToSleep:
    """Of one program, started with `environ`. `folder` is its own."""

    def __init__(self, folder: Path) -> None:
        library = folder / "about_to_sleep.so"
        subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"], check=True, capture_output=True)
        self._folder = folder
        self.environ: dict[str, str] = {"FLOWHAND_TEST_ABOUT_TO_SLEEP": str(folder), "LD_PRELOAD": str(library)}

    @property
    def held(self) -> bool:
        """Whether it is there."""
        return (self._folder / "about").exists()

    def wait(self) -> None:
        """Until it is there."""
        wait_for(lambda: self.held, WITHIN_S)

    def go(self) -> None:
        """It may sleep."""
        (self._folder / "go").touch()
