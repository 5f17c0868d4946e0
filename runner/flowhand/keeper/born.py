"""What a newborn does with its life: run the flow, or become the program that was asked for."""

from __future__ import annotations

import os
import signal
import traceback
from typing import Final, NoReturn

from flowhand.child import program
from flowhand.keeper.forking import CHANNEL, Newborn

_CANNOT_EXECUTE: Final = 127
"""A shell's exit code for a command that cannot be executed."""


def live(newborn: Newborn) -> NoReturn:
    """Does not return, whatever happens."""
    try:
        newborn.settle()
        if newborn.argv is not None:
            _become(newborn.argv, newborn.job["directory"] if newborn.job["command"] else None)
        program.finish(program.main(newborn.job, CHANNEL))  # pyright: ignore[reportArgumentType] - a job from outside; the child checks it
    except BaseException:  # noqa: BLE001 - the last frame of this process: what arrives here is shown, as an interpreter shows it
        traceback.print_exc()
    os._exit(1)


def _become(argv: list[str], directory: str | None) -> NoReturn:
    try:
        if directory is not None:
            os.chdir(directory)
        for ignored in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
            signal.signal(ignored, signal.SIG_DFL)
        os.execvp(argv[0], argv)
    except OSError as error:
        os.write(2, f"flowhand: cannot execute {argv[0]!r} in {directory or '.'}: {error.strerror}\n".encode())
    os._exit(_CANNOT_EXECUTE)
