"""What a newborn does with its life: run the flow, or become the program that was asked for."""

from __future__ import annotations

import os
import signal
import traceback
from typing import Any, Final, NoReturn

from flowhand.child.program import Program, finish
from flowhand.keeper.forking import CHANNEL, Newborn
from flowhand.sdk.interrupts import RunStopped

_CANNOT_EXECUTE: Final = 127
"""A shell's exit code for a command that cannot be executed."""


def live(newborn: Newborn) -> NoReturn:
    """Does not return, whatever happens."""
    try:
        newborn.settle()
        if newborn.argv is not None and newborn.job is not None:
            newborn.belong_to(newborn.job)
            _become(newborn.argv, newborn.job["directory"] if newborn.job["command"] else None)
        itself = Program(CHANNEL)
        job: Any = newborn.job or itself.awaited()
        if job is not None:  # else the keeper needs nobody any more
            newborn.belong_to(job)
            finish(itself.main(job))
    except RunStopped:
        os._exit(0)  # asked to end while it waited for a job
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
