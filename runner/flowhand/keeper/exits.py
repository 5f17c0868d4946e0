"""How an attempt ended: made of wait4's answer, filed before it is told, kept until FORGET.

The JSON form is `execution.launcher.Exit`'s. The file holds one record, so a torn one is seen to be torn.
"""

from __future__ import annotations

import json
import os
import signal
from typing import Any, Final, TypedDict

from flowhand.keeper import permits
from flowhand.keeper.files import Reserve
from flowhand.wire import records

SUFFIX: Final = ".exit"
FILES: Final = (".channel", ".stdout", ".stderr", ".job", permits.SUFFIX, SUFFIX)
"""What an attempt may have in the folder of runs."""


class ExitMessage(TypedDict):
    """`execution.launcher.Exit` as JSON."""

    code: int | None
    signal: int | None
    sizes: dict[str, int]
    cpu_s: float
    peak_bytes: int
    wall_s: float
    oom: str | None
    stopped: str | None
    killed: bool
    survivors: list[int]


def code_and_signal(status: int) -> tuple[int | None, int | None]:
    """Of a wait status: one of them is None."""
    if os.WIFSIGNALED(status):
        return None, os.WTERMSIG(status)
    return os.WEXITSTATUS(status), None


def was_killed(status: int) -> bool:
    """Whether SIGKILL ended it."""
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def write(folder: int, key: str, message: ExitMessage, reserve: Reserve) -> None:
    """Files the exit, on a full disk in the reserve's room. OSError when that is impossible, too."""
    try:
        _write(folder, key, message)
    except OSError:
        if not reserve.release():
            raise
        _write(folder, key, message)


def _write(folder: int, key: str, message: ExitMessage) -> None:
    fd = os.open(key + SUFFIX, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    try:
        os.write(fd, records.encode(json.dumps(message).encode()))
    finally:
        os.close(fd)


def read(folder: int, key: str) -> ExitMessage | None:
    """The filed exit; None when there is none or it is torn."""
    try:
        fd = os.open(key + SUFFIX, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=folder)
    except FileNotFoundError:
        return None
    try:
        data = os.read(fd, records.MAX_BODY)
    finally:
        os.close(fd)
    record: Any = next(records.decode(data), None)
    return json.loads(record.body) if record else None


def keys(folder: int) -> set[str]:
    """All attempts that have files."""
    return {stem for name in os.listdir(folder) for stem, dot, suffix in [name.rpartition(".")] if dot and "." + suffix in FILES}


def remove(folder: int, key: str) -> None:
    """Deletes all files of an attempt. Idempotent."""
    for suffix in FILES:
        try:
            os.unlink(key + suffix, dir_fd=folder)
        except FileNotFoundError:
            continue
