"""Memory and CPU of processes, from /proc (proc(5)). Linux only."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")
_MIB: Final = 1024.0
"""KiB in a MiB: smaps_rollup counts in KiB."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process as it was when it was looked at."""

    pid: int
    parent: int
    command: str
    cpu_s: float
    """Its own user and system seconds and those of children that it has reaped. Counted in ticks, of 10 ms as a rule."""

    @property
    def role(self) -> str:
        """`server`, `keeper` (its forked runs look like it), or `worker`."""
        if "flowhand_server" in self.command or "server start" in self.command:
            return "server"
        return "keeper" if "flowhand.keeper" in self.command else "worker"


def with_environment(entry: str) -> list[Process]:
    """Every living process that was started with `NAME=value` in its environment and that we may look into, and all that they started:
    a process of PostgreSQL's writes its title over its environment.
    """
    wanted = entry.encode()
    living = [process for folder in Path("/proc").glob("[0-9]*") if (process := _look(folder)) and process.pid != os.getpid()]
    found = {process.pid for process in living if wanted in _environment(process.pid)}
    grown = 0
    while grown < len(found):
        grown = len(found)
        found |= {process.pid for process in living if process.parent in found}
    return [process for process in living if process.pid in found]


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # it has gone meanwhile, or is not ours
        return []


def cpu_seconds(processes: Iterable[Process]) -> dict[str, float]:
    """CPU seconds by role, reaped children included: what a run spent counts as the keeper's."""
    spent = {"server": 0.0, "worker": 0.0, "keeper": 0.0}
    for process in processes:
        spent[process.role] += process.cpu_s
    return spent


def pss_mib(pid: int) -> float:
    """Proportional set size in MiB: pages that are shared count in shares."""
    return _rollup(pid)["Pss"] / _MIB


def uss_mib(pid: int) -> float:
    """Unique set size in MiB: pages that would come free if it ended."""
    sizes = _rollup(pid)
    return (sizes["Private_Clean"] + sizes["Private_Dirty"]) / _MIB


def _look(folder: Path) -> Process | None:
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()  # the name before it may hold anything
        command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:  # it has gone meanwhile
        return None
    ticks = sum(int(field) for field in fields[11:15])  # utime, stime, cutime, cstime
    return Process(int(folder.name), int(fields[1]), command, ticks * _TICK_S)


def _rollup(pid: int) -> dict[str, int]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {name.rstrip(":"): int(size) for name, size, *_ in (line.split() for line in lines)}
