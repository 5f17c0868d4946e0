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
    """Every living process that was started with `NAME=value` in its environment and that we may look into."""
    wanted, found = entry.encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int(folder.name) != os.getpid() and wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(_look(folder))
        except (OSError, IndexError):  # it has gone meanwhile, or is not ours
            continue
    return found


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


def _look(folder: Path) -> Process:
    fields = (folder / "stat").read_text().rpartition(")")[2].split()  # the name before it may hold anything
    command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    ticks = sum(int(field) for field in fields[11:15])  # utime, stime, cutime, cstime
    return Process(int(folder.name), int(fields[1]), command, ticks * _TICK_S)


def _rollup(pid: int) -> dict[str, int]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {name.rstrip(":"): int(size) for name, size, *_ in (line.split() for line in lines)}
