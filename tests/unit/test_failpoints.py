"""Fail points: nothing when off; a process held, and let go, when on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from flowhand.failpoints import HELD, VARIABLE, fail_point

PROGRAM = """
from flowhand.failpoints import fail_point
fail_point("other")
fail_point("here")
print("went on", flush=True)
"""


def test_off_it_is_a_function_that_does_nothing() -> None:
    """No folder was named when the module was loaded: the very function is another."""
    assert fail_point.__name__ == "_pass"
    fail_point("anything")


def test_an_armed_point_holds_the_first_that_comes_by_until_it_is_let_go(tmp_path: Path) -> None:
    """The file is taken and holds the pid; the process goes on when it is gone, and the point is armed no more."""
    (tmp_path / "here").touch()
    command = [sys.executable, "-c", PROGRAM]
    environ = {**os.environ, VARIABLE: str(tmp_path)}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) as process:
        held = tmp_path / f"here{HELD}"
        deadline = time.monotonic() + 30
        while not (held.exists() and held.read_text()) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert held.read_text() == str(process.pid)
        assert process.poll() is None
        held.unlink()
        assert process.stdout is not None
        assert process.stdout.read() == b"went on\n"
    assert list(tmp_path.iterdir()) == []
    again = subprocess.run(command, env=environ, capture_output=True, check=True)
    assert again.stdout == b"went on\n"
