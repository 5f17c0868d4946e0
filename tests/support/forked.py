"""Programs of ours, each in a process of its own, forked off one that has them loaded: it costs a fraction of an interpreter's start."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from flowhand.cli.lazy import NOUNS
from flowhand.keeper import linux

_LOADED = multiprocessing.get_context("forkserver")
_LOADED.set_forkserver_preload(
    [*(noun.module for noun in NOUNS.values()), "flowhand_server.program", "flowhand_server.lifecycle", "uvloop"]
)
_TESTS: Final = Path(__file__).resolve().parents[1]
_OURS: Final = frozenset({_TESTS, _TESTS.parent})
"""What pytest is found and told to import from, and a program that is installed is not."""


class Forked:
    """A process that executes `main`, with an environment and a folder of its own, its output going to files. Used as a subprocess.Popen.

    `main` is named by its module: it is imported by the new process, and what it returns or exits with is the status. It dies with us.
    """

    def __init__(self, main: Callable[[], int | None], *, env: Mapping[str, str], out: Path, err: Path, cwd: Path | str = "/") -> None:
        self.args = getattr(main, "args", main)
        self._process = _LOADED.Process(target=_execute, args=(main, dict(env), out, err, str(cwd)), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """Its number."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Its exit status, negative for a signal; None while it is there."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """The status once it has ended. TimeoutExpired when it has not after so many seconds."""
        self._process.join(timeout)
        status = self.poll()
        if status is None:
            raise subprocess.TimeoutExpired(str(self.args), timeout or 0.0)
        return status

    def send_signal(self, number: int) -> None:
        """Sends it a signal unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Ends it, whatever it does."""
        self.send_signal(signal.SIGKILL)


def _execute(main: Callable[[], int | None], env: dict[str, str], out: Path, err: Path, cwd: str) -> None:
    linux.die_with_parent(signal.SIGKILL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # one of them has the process that we were forked off live on when the tests are killed
    sys.stdin = os.fdopen(0, closefd=False)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    sys.path[:] = [place for place in sys.path if Path(place).resolve() not in _OURS]
    os.chdir(cwd)
    raise SystemExit(main())
