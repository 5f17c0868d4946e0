"""The command line as a person runs it: a process of its own, with an environment of its own, on a real terminal where that matters."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from flowhand.cli.program import main
from support.forked import Forked

COMMAND = str(Path(sys.executable).with_name("flowhand"))


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, read as JSON."""
        return json.loads(self.out)


Do = Callable[..., Ended]
"""Runs a command; `code` is what it must end with."""


def environment(home: Path, url: str | None = None, **more: str) -> dict[str, str]:
    """An environment in which nothing of this machine's own settings is seen."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLOWHAND_", "PREFECT_", "COLUMNS"))}
    return {**kept, "FLOWHAND_HOME": str(home), **({"FLOWHAND_API_URL": url} if url else {}), **more}


def flowhand(*words: str, env: Mapping[str, str], timeout: float = 60.0, cwd: Path | str = "/") -> Ended:
    """Runs `flowhand WORDS` to its end, its output going to files."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = Forked(partial(_execute, words), env=env, out=out, err=err, cwd=cwd)
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
        return Ended(code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))


def flowhand_script(*words: str, env: Mapping[str, str], stdin: str | None = None, timeout: float = 60.0) -> Ended:
    """Runs the console script itself, its output going to pipes."""
    done = subprocess.run([COMMAND, *words], env=dict(env), input=stdin, capture_output=True, text=True, timeout=timeout, cwd="/")
    return Ended(done.returncode, done.stdout, done.stderr)


def _execute(words: tuple[str, ...]) -> None:
    sys.argv = ["flowhand", *words]
    main()


class Terminal:
    """`flowhand WORDS`, or another program's, on a terminal of 80 columns."""

    def __init__(self, *words: str, env: Mapping[str, str], cwd: Path | str = "/", program: str = COMMAND) -> None:
        self.seen = ""
        self._process, self._terminal = _on_terminal([program, *words], {**env, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"}, cwd)

    def wait_for(self, text: str, seconds: float = 30.0) -> None:
        """Until the text was printed."""
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < deadline, f"never saw {text!r} in:\n{self.seen}"
            if not self._read(deadline):
                assert text in self.seen, f"it ended without {text!r}:\n{self.seen}"

    def type(self, text: str) -> None:
        """A line, typed."""
        os.write(self._terminal, text.encode() + b"\n")

    def interrupt(self) -> None:
        """Ctrl-C, typed."""
        os.write(self._terminal, b"\x03")

    def end(self, seconds: float = 30.0) -> int:
        """Waits for its end; the exit code."""
        deadline = time.monotonic() + seconds
        while self._read(deadline):
            assert time.monotonic() < deadline, f"it goes on and on:\n{self.seen}"
        code = self._process.wait(max(0.1, deadline - time.monotonic()))
        os.close(self._terminal)
        return code

    def kill(self) -> None:
        """Ends it, whatever it does."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def _read(self, deadline: float) -> bool:
        """More of what it prints; False once it has closed the terminal."""
        if not select.select([self._terminal], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return True
        try:
            data = os.read(self._terminal, 65536)
        except OSError:  # EIO: the other end is closed
            return False
        self.seen += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(data)


def _on_terminal(command: list[str], env: Mapping[str, str], cwd: Path | str) -> tuple[subprocess.Popen[bytes], int]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, env=dict(env), stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd, start_new_session=True, preexec_fn=_take_terminal
    )
    os.close(theirs)
    return process, ours


def _take_terminal() -> None:
    """Makes the terminal the process's own, so that Ctrl-C on it reaches the process (tty_ioctl(4))."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
