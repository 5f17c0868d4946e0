"""The unit files are what systemd itself takes for right."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from flowhand.settings import Settings

UNITS = Path(__file__).parents[2] / "systemd"


@pytest.mark.parametrize("unit", ["flowhand-server.service", "flowhand-worker@my-pool.service"])
def test_systemd_finds_nothing_wrong(tmp_path: Path, unit: str) -> None:
    """`systemd-analyze verify` says nothing. Programs and users that are made at installation are given ones that are there."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze: apt-get install systemd")
    source = UNITS / unit.replace("@my-pool", "@")
    program = shutil.which("true")
    assert program is not None
    text = source.read_text()
    for installed in ("/opt/flowhand/bin/worker", "/opt/flowhand/bin/flowhand"):
        text = text.replace(installed, program)
    copy = tmp_path / unit
    copy.write_text(text.replace("User=flowhand", "User=root").replace("Group=flowhand", "Group=root"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True, timeout=60, check=False)
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "flowhand" in line]
    assert (ours, done.returncode) == ([], 0), done.stderr


def test_a_stop_of_the_worker_leaves_room_for_the_drain() -> None:
    """TimeoutStopSec covers the default drain and both graces."""
    settings = Settings()
    text = (UNITS / "flowhand-worker@.service").read_text()
    stop = next(float(line.partition("=")[2]) for line in text.splitlines() if line.startswith("TimeoutStopSec="))
    assert stop > settings.worker_drain + 2 * settings.worker_grace
