"""The keeper's log."""

from __future__ import annotations

import subprocess
import sys


def test_a_keeper_outlives_a_full_disk_below_its_log() -> None:
    """What cannot be written is lost; to fall over it would kill every run."""
    program = "from flowhand.keeper.log import say\nfor _ in range(1000): say('words ' * 20)\nprint('alive', flush=True)"
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        ended = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=full, check=False)
    assert ended.stdout == b"alive\n"
