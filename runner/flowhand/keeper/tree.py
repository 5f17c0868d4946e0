"""Process trees, read from /proc, and signals to them that cannot hit a stranger.

A pid alone may be another process by the time it is signalled, so a process is named by pid and start time, and signalled through a pidfd
opened before the start time is looked at again. proc(5), pidfd_open(2).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from typing import Final, NamedTuple

PROC: Final = "/proc"
_PIECE: Final = 16 * 1024
_PF_KTHREAD: Final = 0x00200000
"""Among the flags in /proc/PID/stat: linux/sched.h."""


class Process(NamedTuple):
    """A line of /proc/PID/stat, as far as it matters. `start` is in clock ticks since boot."""

    pid: int
    parent: int
    group: int
    session: int
    state: str
    start: int

    @property
    def dead(self) -> bool:
        """Whether it only waits to be reaped."""
        return self.state in "ZX"


def _read(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = b""
        while piece := os.read(fd, _PIECE):  # these files answer in pieces of their own choosing
            data += piece
        return data
    finally:
        os.close(fd)


def look(pid: int) -> Process | None:
    """The process of that pid now; None when there is none."""
    try:
        line = _read(f"{PROC}/{pid}/stat")
    except OSError:
        return None
    fields = line[line.rfind(b")") + 2 :].split()
    if len(fields) < 20:
        return None
    return Process(pid, int(fields[1]), int(fields[2]), int(fields[3]), fields[0].decode(), int(fields[19]))


def pids() -> list[int]:
    """Of all processes that are visible now."""
    return [int(name) for name in os.listdir(PROC) if name.isdigit()]  # noqa: PTH208 - names are all that is wanted


def everyone() -> dict[int, Process]:
    """All processes that are visible now."""
    found = (look(pid) for pid in pids())
    return {process.pid: process for process in found if process is not None}


def children() -> set[int]:
    """Pids of this process's children, reaped ones apart. One thread is taken to have made them all."""
    pid = os.getpid()
    try:
        return {int(word) for word in _read(f"{PROC}/{pid}/task/{pid}/children").split()}
    except FileNotFoundError:  # a kernel without CONFIG_PROC_CHILDREN
        return {process.pid for process in everyone().values() if process.parent == pid}


def mark_of(pid: int) -> str | None:
    """The mark in a process's environment (`keeper.mark`), empty when there is none in it; None when there is no environment to be read:
    the process has gone, is the kernel's, or somebody else's.
    """
    try:
        environ = _read(f"{PROC}/{pid}/environ")
    except OSError:
        return None
    if not environ:
        return None
    for entry in environ.split(b"\0"):
        if entry.startswith(b"FLOWHAND__MARK="):
            return entry[15:].decode("utf-8", "replace").rstrip()
    return ""


def foreign(pid: int) -> bool:
    """Whether it is a thread of the kernel, or of another user whose processes this one may not read: it carries no mark of ours."""
    try:
        line = _read(f"{PROC}/{pid}/stat")
        kernel = bool(int(line[line.rfind(b")") + 2 :].split()[6]) & _PF_KTHREAD)
        return kernel or os.geteuid() not in (0, os.stat(f"{PROC}/{pid}").st_uid)  # noqa: PTH116 - no path is made of it, for speed
    except OSError:
        return False  # it has gone


def descendants(roots: Iterable[int], processes: dict[int, Process]) -> set[int]:
    """The roots that are there and all that descends from them."""
    below: dict[int, list[int]] = {}
    for process in processes.values():
        below.setdefault(process.parent, []).append(process.pid)
    found: set[int] = set()
    left = [pid for pid in roots if pid in processes]
    while left:
        pid = left.pop()
        if pid not in found:
            found.add(pid)
            left += below.get(pid, ())
    return found


def send(process: Process, number: signal.Signals) -> bool:
    """Signals that very process. False when it may not be signalled; True when it was, or is gone."""
    try:
        fd = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return True
    try:
        present = look(process.pid)
        if present is not None and present.start == process.start:
            signal.pidfd_send_signal(fd, number)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    finally:
        os.close(fd)
    return True
