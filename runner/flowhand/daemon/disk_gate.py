"""The gate before each claim: a home without room takes no new runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

LEAST_BYTES: Final = 64 * 1024 * 1024
LEAST_INODES: Final = 1024


def no_room(directory: Path) -> str | None:
    """Why no run may be claimed, in words; None when there is room for its files."""
    stat = os.statvfs(directory)
    free = stat.f_bavail * stat.f_frsize
    if free < LEAST_BYTES:
        return f"the disk of {directory} has {free // 2**20} MiB left; free some to have runs claimed again"
    if stat.f_files and stat.f_favail < LEAST_INODES:
        return f"the disk of {directory} has {stat.f_favail} inodes left; free some to have runs claimed again"
    return None
