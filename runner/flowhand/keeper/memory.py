"""Whether a SIGKILL that nobody of ours sent came from the kernel's out-of-memory killer."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from flowhand.keeper.loop import now

_STALE: Final = 1.0
"""Seconds for which the last count is good enough to begin with."""


class Watch:
    """The host's count of out-of-memory kills (`oom_kill` of /proc/vmstat: of all cgroups, since boot)."""

    def __init__(self) -> None:
        self._count = _kills()
        self._read_at = now()

    def before(self) -> int:
        """The count before an attempt begins; at most a second old."""
        if now() - self._read_at > _STALE:
            self._count, self._read_at = _kills(), now()
        return self._count

    def suspected(self, before: int) -> bool:
        """Whether anything was killed for memory since."""
        return _kills() > before


def _kills() -> int:
    for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines():
        if line.startswith("oom_kill "):
            return int(line.split()[1])
    return 0
