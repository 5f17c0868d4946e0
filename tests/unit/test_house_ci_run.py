"""`.ci/run` leaves nothing behind."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / ".ci" / "run"
TOOLS = ("git", "systemd-analyze", "sshd", "smbd", "dockerd", "iptables", "docker-registry", "gcc", "python3.12", "python3.13")
MAKE = """#!/bin/sh
case "$1" in
test) # fails once the other two are at work
    while [ "$(cat begun-* 2>/dev/null | wc -l)" -lt 2 ]; do sleep 0.05; done
    exit 1 ;;
esac
sleep 60 &
echo $! >"begun-$$"
wait
"""


def test_what_runs_beside_the_first_tests_ends_with_them(tmp_path: Path) -> None:
    """Not only make, but also what it has started: here a sleep in the place of pip and the checks."""
    for name, text in {"make": MAKE, **dict.fromkeys(TOOLS, "#!/bin/sh\n")}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / ".ci").mkdir()
    shutil.copy(SCRIPT, tmp_path / ".ci" / "run")
    done = subprocess.run(
        ["bash", ".ci/run"], cwd=tmp_path, env={"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": "/nowhere"}, timeout=30, check=False
    )
    assert done.returncode == 1, done
    begun = [int(path.read_text()) for path in tmp_path.glob("begun-*")]
    assert len(begun) == 2
    assert not [pid for pid in begun if not _ends(pid)]


def _ends(pid: int) -> bool:
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], 5)[0])
    finally:
        os.close(watched)
