"""`make demo` is a first user's story; here it is a test."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

DEMO = Path(__file__).parents[2] / "examples" / "demo.py"


def test_the_quickstart_serves_a_run_is_watched_and_ctrl_c_leaves_nothing_behind() -> None:
    """The demo judges itself: it exits with 0 only when the run completed and no process of its home is left."""
    with tempfile.TemporaryDirectory(prefix="fhd-") as home:
        done = subprocess.run([sys.executable, str(DEMO), home], capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "that was fast" in done.stdout
