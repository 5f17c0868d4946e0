"""Which process a pid stands for: pids come again, most of all in a container, whose first processes have the same after each start."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_STATE: Final = 0
_STARTED: Final = 19
"""Where state and start (in ticks since the boot) stand behind the program's name in proc_pid_stat(5)."""


def incarnation(pid: int) -> str | None:
    """A text that no other process has, before or after; None for one that has ended, also when nobody has waited for it yet."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2].split()
        boot = _BOOT.read_bytes().decode().strip()  # not as ASCII, whose codec would be loaded in whatever thread this is
    except OSError:
        return None
    return None if fields[_STATE] in (b"Z", b"X") else f"{boot}.{int(fields[_STARTED])}"
