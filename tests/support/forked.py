"""Programs of ours, each in a process of its own, forked off one that has them loaded: it costs a fraction of an interpreter's start."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from flowhand.cli.lazy import NOUNS

_LOADED = multiprocessing.get_context("forkserver")
_LOADED.set_forkserver_preload(
    [*(noun.module for noun in NOUNS.values()), "flowhand_server.program", "flowhand_server.lifecycle", "uvloop"]
)


class Forked:
    """A process that executes `main`, with an environment and a folder of its own, its output going to files. Used as a subprocess.Popen.

    `main` is named by its module: it is imported by the new process, and what it returns or exits with is the status.
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
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    raise SystemExit(main())
