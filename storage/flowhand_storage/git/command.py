"""Running the git program: arguments as a list, a deadline, and an exit that is an error with git's own words in it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from flowhand_storage.errors import MissingTool
from flowhand_storage.scrub import Redactor


class GitFailed(Exception):
    """git did not exit with 0. `words` is what it said, without secrets; `timed_out` whether it was stopped for taking too long.

    Does not leave this folder: `failures.explain` makes it one of the package's errors.
    """

    def __init__(self, words: str, *, timed_out: bool = False) -> None:
        super().__init__(words)
        self.words = words
        self.timed_out = timed_out


class Git:
    """Runs git in one environment. `timeout` is the longest that one command may take, in seconds."""

    def __init__(self, environment: Mapping[str, str], scrub: Redactor, *, timeout: float) -> None:
        self._environment = dict(environment)
        self._timeout = timeout
        self.scrub = scrub

    def run(self, *arguments: str, folder: Path, text: str | None = None) -> str:
        """What git writes to standard output; `text` goes to its standard input. GitFailed, MissingTool."""
        process = self._start(arguments, folder, reads=text is not None)
        try:
            output, errors = process.communicate(None if text is None else text.encode(), timeout=self._timeout)
        except BaseException as error:
            _stop(process)
            if isinstance(error, subprocess.TimeoutExpired):
                raise GitFailed(f"git {arguments[0]} took longer than {self._timeout:g} s", timed_out=True) from None
            raise
        if process.returncode != 0:
            words = errors.decode(errors="replace").strip() or f"git {arguments[0]} ended with status {process.returncode}"
            raise GitFailed(self.scrub(words))
        return output.decode(errors="surrogateescape")

    def _start(self, arguments: tuple[str, ...], folder: Path, *, reads: bool) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                ["git", *arguments],
                cwd=folder,
                env=self._environment,
                stdin=subprocess.PIPE if reads else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                process_group=0,
            )
        except FileNotFoundError:
            if not folder.is_dir():
                raise GitFailed(f"{folder} is gone") from None
            raise MissingTool("git is not installed, or not on PATH; install it to fetch code from a repository") from None


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End git and the transport programs that it started; they are one process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
