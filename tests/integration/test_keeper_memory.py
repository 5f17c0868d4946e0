"""What a run used, and whether it was the want of memory that ended it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowhand.keeper import cgroups
from support.following import following
from support.jobs import key, make_job, python
from support.keeper_talk import Talk

MB = 1 << 20
EATS = "import time\nprint('begun', flush=True)\ntime.sleep(0.3)\nheld = [bytearray(b'x' * (10 << 20)) for _ in range(60)]"

EATS_FLOW = """
import time
from flowhand import flow

@flow
def eats(megabytes):
    held = bytearray(b'x' * (megabytes << 20))
    time.sleep(0.1)
"""


@pytest.fixture
def small_cgroup() -> Iterator[Path]:
    """A memory cgroup of 200 MB, v1 or v2, below our own."""
    base = cgroups._own_folder("memory") or cgroups._own_folder("")
    if os.getuid() != 0 or base is None:
        pytest.skip("limiting memory needs root and a cgroup of memory that is ours")
    folder = base / f"flowhand-test-{os.getpid()}"
    folder.mkdir()
    limit = folder / "memory.limit_in_bytes"
    limit = limit if limit.exists() else folder / "memory.max"
    if not limit.exists():
        folder.rmdir()
        pytest.skip("limiting memory needs the memory controller in our cgroup")
    limit.write_text(str(200 * MB))
    yield folder
    for child in folder.glob("flowhand-*"):
        child.rmdir()
    folder.rmdir()


def test_a_run_ended_by_the_out_of_memory_killer_is_told_as_such(tmp_path: Path, small_cgroup: Path) -> None:
    moved = f"import os; open({str(small_cgroup / 'cgroup.procs')!r}, 'w').write(str(os.getpid()))"
    keeper = f"{moved}\nfrom flowhand.keeper.__main__ import main\nimport sys\nsys.exit(main())"
    command = [sys.executable, "-P", "-c", keeper, "--directory", str(tmp_path), "--fingerprint", "any", "--alone", "0.5"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "FLOWHAND__MARK": " " * 200})
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    talk = Talk(tmp_path)
    talk.ask("HELLO", protocol=1)
    job = python(tmp_path, EATS)
    talk.ask("START", job=job, grace_s=1, kill_at=None)
    ended = talk.hear_until("EXIT")["exit"]
    assert (ended["signal"], ended["oom"], ended["killed"]) == (signal.SIGKILL, "certain", False)
    assert ended["peak_bytes"] > 100 * MB
    talk.ask("FORGET", key=key(job))
    talk.ask("RETIRE")
    process.wait(10)
    process.stdout.close()


@pytest.mark.anyio
async def test_the_peak_of_a_fork_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "flows.py").write_text(EATS_FLOW)
    async with following(tmp_path) as run:
        peaks: list[int] = []
        for megabytes in (0, 60):
            job = make_job(tmp_path, entrypoint="flows.py:eats", parameters={"megabytes": megabytes})
            await run.launcher.start(job)
            peaks.append((await run.ended(key(job))).peak_bytes)
        assert peaks[0] < 25 * MB
        assert 60 * MB < peaks[1] < peaks[0] + 140 * MB
