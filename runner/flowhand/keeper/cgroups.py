"""A cgroup for each attempt, where the host lets us: its kill misses nobody, and its memory events are certain.

cgroup v2 is used where our subtree is delegated (systemd's `Delegate=yes`, or a folder that is ours anyway); with the memory controller
where that is not taken from others: v2 hands controllers down only from a folder without processes, such as a unit's own folder under
`DelegateSubgroup=`. Else v1's memory hierarchy is used, else nothing. cgroups(7), systemd.resource-control(5).

Putting a process into a cgroup waits for all readers in the kernel: 5 to 20 ms on a quiet machine. So neither the keeper nor the child
does it, but a small process of ours, the usher; an attempt is in its cgroup some milliseconds after its start.
"""

from __future__ import annotations

import contextlib
import os
import signal
import zlib
from pathlib import Path
from typing import Final

from flowhand.keeper import linux, tree

_SYSTEMD: Final = Path("/run/systemd/system")
_UNLIMITED: Final = 1 << 60


class Cgroups:
    """`base` is the folder below which attempts get theirs, their names begun with `prefix`; None: they get none."""

    def __init__(self, base: Path | None, prefix: str, *, v2: bool) -> None:
        self._base = base
        self._prefix = prefix
        self._v2 = v2
        self._usher_pid, self._usher = (-1, -1) if base is None else _start_usher(base, prefix)

    def enter(self, key: str, pid: int) -> None:
        """Makes the attempt's cgroup and puts its main process into it, soon."""
        self._ask(f"+{key} {pid}\n")

    def kill(self, key: str) -> None:
        """SIGKILL to whatever is in it now."""
        if self._base is None:
            return
        folder = self._base / (self._prefix + key)
        with contextlib.suppress(OSError):  # not there yet, or not any more
            if self._v2:
                (folder / "cgroup.kill").write_text("1")
            else:
                for word in (folder / "cgroup.procs").read_text().split():
                    process = tree.look(int(word))
                    if process is not None:
                        tree.send(process, signal.SIGKILL)

    def out_of_memory(self, key: str) -> bool:
        """Whether the kernel has killed a process in it for want of memory."""
        return self._figure(key, "memory.events" if self._v2 else "memory.oom_control", "oom_kill ") > 0

    def peak(self, key: str) -> int:
        """Bytes it used at most; 0 where that is not known."""
        peak = self._figure(key, "memory.peak" if self._v2 else "memory.max_usage_in_bytes", "")
        return peak if peak < _UNLIMITED else 0

    def leave(self, key: str) -> None:
        """Takes the cgroup away, soon; it stays while somebody is in it."""
        self._ask(f"-{key}\n")

    def close(self) -> None:
        """Waits until the usher has done all that was asked."""
        if self._usher >= 0:
            os.close(self._usher)
            self._usher = -1
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._usher_pid, 0)

    def _figure(self, key: str, name: str, before: str) -> int:
        if self._base is None:
            return 0
        try:
            fd = os.open(f"{self._base}/{self._prefix}{key}/{name}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return 0
        try:
            text = os.read(fd, 4096).decode("ascii")
        finally:
            os.close(fd)
        return next((int(line[len(before) :]) for line in text.splitlines() if line.startswith(before)), 0)

    def _ask(self, line: str) -> None:
        if self._usher >= 0:
            try:
                os.write(self._usher, line.encode())
            except (BlockingIOError, BrokenPipeError):
                return  # an attempt without a cgroup is found by session and mark


def find(instance: Path) -> Cgroups:
    """What this host offers to this process and the attempts of that instance. It starts the usher, so it comes before anything is opened
    that no other process should hold."""
    prefix = f"flowhand-{zlib.crc32(os.fsencode(instance)):08x}-"
    v2, memory = _own_folder(""), _own_folder("memory")
    with_memory = v2 is not None and _has_memory(v2)
    if v2 is not None and (with_memory or memory is None):
        return Cgroups(v2, prefix, v2=True)
    return Cgroups(memory, prefix, v2=False)


def _own_folder(controller: str) -> Path | None:
    """This process's cgroup in the hierarchy of a v1 controller, or in v2's (""), if it is ours to divide; its parent, if that is."""
    for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        mounted = _mounted(controller)
        if controller in controllers.split(",") and mounted is not None:
            own = mounted / path.lstrip("/")
            return next((folder for folder in (own.parent, own) if _delegated(folder, own)), None)
    return None


def _mounted(controller: str) -> Path | None:
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        if (kind == "cgroup2") if not controller else (kind == "cgroup" and controller in options.split(",")):
            return Path(before.split(" ")[4])
    return None


def _delegated(folder: Path, own: Path) -> bool:
    if not os.access(folder / "cgroup.procs", os.W_OK) or not os.access(folder, os.W_OK):
        return False
    for name in ("user.delegate", "trusted.delegate"):
        with contextlib.suppress(OSError):
            if os.getxattr(folder, name) == b"1":
                return True
    # Without systemd's word: a folder that an ordinary user may write was given to that user; root may write all, and a systemd would mind.
    return folder == own and (os.getuid() != 0 or not _SYSTEMD.exists())


def _has_memory(folder: Path) -> bool:
    """Whether cgroups below get the memory controller; asks for it where no process stands in the way."""
    switch = folder / "cgroup.subtree_control"
    try:
        if "memory" not in switch.read_text(encoding="ascii").split() and not (folder / "cgroup.procs").read_text(encoding="ascii"):
            switch.write_text("+memory")
        return "memory" in switch.read_text(encoding="ascii").split()
    except OSError:
        return False


def _start_usher(base: Path, prefix: str) -> tuple[int, int]:
    """A child that makes, fills and removes cgroups as it is told; its pid, and the descriptor through which it is told."""
    reader, writer = os.pipe()
    keeper = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            linux.die_with_parent(signal.SIGKILL)
            linux.set_name("flowhand-usher")
            os.close(writer)
            _clear(base, prefix)
            with os.fdopen(reader) as requests:
                for line in requests:
                    _obey(base, prefix, line.strip(), keeper)
        finally:
            os._exit(0)
    os.close(reader)
    os.set_blocking(writer, False)
    return pid, writer


def _obey(base: Path, prefix: str, line: str, keeper: int) -> None:
    key, _, pid = line[1:].partition(" ")
    folder = base / (prefix + key)
    with contextlib.suppress(OSError):
        if line[0] == "-":
            folder.rmdir()
            return
        process = tree.look(int(pid))
        if process is not None and process.parent == keeper:
            folder.mkdir()
            (folder / "cgroup.procs").write_text(pid)


def _clear(base: Path, prefix: str) -> None:
    """Removes what earlier keepers of the instance left; folders in use stay."""
    for folder in base.glob(prefix + "*"):
        with contextlib.suppress(OSError):
            folder.rmdir()
