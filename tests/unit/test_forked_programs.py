"""Programs that tests fork off one that has them loaded (support/forked.py) are as those that a user starts."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from functools import partial
from pathlib import Path

from support.forked import Forked

TESTS = Path(__file__).resolve().parents[1]
TELL = """
import json, os, sys, time
files = sorted(map(int, os.listdir("/proc/self/fd")))[:-1]
print(json.dumps({"path": sys.path, "zone": time.tzname, "files": files, "in": sys.stdin.read()}))
"""
KILLED = """
import os, signal, sys
from functools import partial
from pathlib import Path
from support.forked import Forked

print(Forked(partial(exec, "import time; time.sleep(100)"), env={}, out=Path(os.devnull), err=Path(os.devnull)).pid, flush=True)
signal.pause()
"""


def test_they_have_their_environment_and_nothing_of_the_tests(tmp_path: Path) -> None:
    """Their own time zone, no module of the tests to import, no descriptor of ours."""
    said = tmp_path / "said"
    assert Forked(partial(exec, TELL), env={"TZ": "XYZ-3"}, out=said, err=said).wait(60) == 0, said.read_text()
    told = json.loads(said.read_text())
    assert (told["zone"], told["files"], told["in"]) == (["XYZ", "XYZ"], [0, 1, 2], "")
    assert not {TESTS, TESTS.parent} & {Path(place).resolve() for place in told["path"]}


def test_they_are_gone_when_the_tests_are_killed() -> None:
    """Nobody else would end them."""
    environ = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen([sys.executable, "-c", KILLED], env=environ, stdout=subprocess.PIPE, text=True) as tests:
        assert tests.stdout is not None
        watched = os.pidfd_open(int(tests.stdout.readline()))
        tests.kill()
    assert select.select([watched], [], [], 20)[0]
    os.close(watched)
