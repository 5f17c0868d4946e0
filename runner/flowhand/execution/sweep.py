"""Strays: processes of attempts whose keeper is gone, found by their mark and ended.

A keeper's children die with it, by the parent-death signal; their own children do not. Every process of an attempt carries its mark in the
environment it was started with (`keeper.mark`), and the mark names the instance. An instance is dead when neither its daemon nor its keeper
holds its lock. Another boot or another pid namespace is no business of ours: pids mean nothing there.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import select
import signal
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from flowhand.keeper import linux, tree

_LOCKS: Final = ("lock", "keeper.lock*")
_PAUSE_S: Final = 0.01
"""Between two looks, for what is ending to have ended."""


class Stray(NamedTuple):
    """A process that carries a mark."""

    process: tree.Process
    mark: str


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a sweep did."""

    ended: list[Stray] = field(default_factory=list[Stray])
    survivors: list[Stray] = field(default_factory=list[Stray])
    unattended: list[Path] = field(default_factory=list[Path])
    """Instances whose keeper goes on without a daemon; their processes are left to the next one."""


def instance_mark(directory: Path) -> str:
    """What every mark of an instance begins with."""
    return hashlib.sha256(os.fsencode(directory.resolve())).hexdigest()[:16] + ":"


def mark_of(directory: Path, key: str) -> str:
    """The mark of an attempt of the instance in `directory` (a job's `mark`)."""
    return instance_mark(directory) + key


def strays(wanted: Callable[[str], bool], wait_s: float = 1.0) -> list[Stray]:
    """All processes of this user and this pid namespace whose mark is wanted. Blocks.

    A process that ended between being listed and being read may have left a child that was not listed, so a look that found nothing counts
    when nobody ended under it; else it is repeated after a pause, for at most `wait_s` seconds.
    """
    deadline = time.monotonic() + wait_s
    before: set[int] = set()
    while True:
        found, silent = _look(wanted)
        if found or silent <= before or time.monotonic() > deadline:
            return found
        before = silent
        time.sleep(_PAUSE_S)


def _look(wanted: Callable[[str], bool]) -> tuple[list[Stray], set[int]]:
    """The strays, and the pids of those that may have ended meanwhile: they had no mark to be read, though they are ours."""
    namespace = linux.pid_namespace()
    found: list[Stray] = []
    silent: set[int] = set()
    for pid in tree.pids():
        if pid == os.getpid():
            continue
        process = tree.look(pid)
        mark = tree.mark_of(pid)
        if process is None or process.dead or mark is None:
            if not tree.foreign(pid):
                silent.add(pid)
        elif mark and wanted(mark) and _namespace_of(pid) == namespace:
            found.append(Stray(process, mark))
    return found, silent


def end(found: Iterable[Stray], wait_s: float = 5.0) -> list[Stray]:
    """SIGKILL to each; those that still live after `wait_s` seconds, or may not be signalled. Blocks."""
    deadline = time.monotonic() + wait_s
    return [stray for stray in list(found) if not _end(stray.process, deadline)]


def end_marked(wanted: Callable[[str], bool], wait_s: float = 5.0) -> Sweep:
    """Ends all strays whose mark is wanted, and what they start meanwhile, until none is left or the time is over. Blocks."""
    swept = Sweep()
    deadline = time.monotonic() + wait_s
    while (found := strays(wanted)) and time.monotonic() < deadline:
        left = end(found, deadline - time.monotonic())
        swept.ended.extend(stray for stray in found if stray not in left)
        if left:
            break
    swept.survivors.extend(strays(wanted))
    return swept


def sweep(home: Path, wait_s: float = 5.0) -> Sweep:
    """Ends the strays of all dead instances of a home. Each is locked while it is looked at, so that none starts meanwhile. Blocks."""
    total = Sweep()
    for directory in sorted((home / "instances").glob("*/")):
        if not _of_this_boot_and_namespace(directory):
            continue
        with _locked(directory) as state:
            if state == "dead":
                prefix = instance_mark(directory)
                one = end_marked(lambda mark, prefix=prefix: mark.startswith(prefix), wait_s)
                total.ended.extend(one.ended)
                total.survivors.extend(one.survivors)
            elif state == "unattended":
                total.unattended.append(directory)
    return total


def attendance(directory: Path) -> str:
    """Who holds an instance: `alive` (a daemon), `unattended` (a keeper alone), `dead` (nobody); `elsewhere`: another boot or namespace."""
    if not _of_this_boot_and_namespace(directory):
        return "elsewhere"
    with _locked(directory) as state:
        return state


def _end(process: tree.Process, deadline: float) -> bool:
    try:
        fd = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return True
    try:
        if not tree.send(process, signal.SIGKILL):
            return False
        present = tree.look(process.pid)
        if present is None or present.start != process.start:
            return True
        gone = select.poll()
        gone.register(fd, select.POLLIN)
        return bool(gone.poll(max(0.0, deadline - time.monotonic()) * 1000))
    finally:
        os.close(fd)


def _namespace_of(pid: int) -> str | None:
    try:
        return linux.pid_namespace(pid)
    except OSError:
        return None


def _of_this_boot_and_namespace(directory: Path) -> bool:
    for name in ("stamp.json", "keeper.json"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            stamp = json.loads((directory / name).read_text(encoding="utf-8"))
            return stamp["boot_id"] == linux.boot_id() and stamp["pid_ns"] == linux.pid_namespace()
    return False


@contextlib.contextmanager
def _locked(directory: Path) -> Generator[str]:
    """Holds all locks of an instance that are free: `dead` when all are, `unattended` when only a keeper lives, `alive` else."""
    with contextlib.ExitStack() as held:
        taken = {path.name: _take(path, held) for pattern in _LOCKS for path in directory.glob(pattern)}
        if all(taken.values()):
            yield "dead"
        else:
            yield "unattended" if taken.get("lock", True) else "alive"


def _take(path: Path, held: contextlib.ExitStack) -> bool:
    file = held.enter_context(path.open("rb"))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
