"""A daemon small enough to be killed: starts the jobs of a file, says so, and follows until its end.

    python -m support.holding_daemon INSTANCE JOBS.json [KILL_AFTER_S]

Every start is told as a line on stdout. With KILL_AFTER_S the attempts are given that deadline.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import anyio

from flowhand.execution.process import ProcessLauncher
from flowhand.wire.job import Job


async def main(jobs: list[Job]) -> None:
    launcher = ProcessLauncher(Path(sys.argv[1]), os.environ)
    await launcher.open()
    kill_at = time.clock_gettime(time.CLOCK_BOOTTIME) + float(sys.argv[3]) if len(sys.argv) > 3 else None
    for job in jobs:
        print((await launcher.start(job, kill_at)).pid, flush=True)
    async for _ in launcher.events():
        pass


if __name__ == "__main__":
    anyio.run(main, json.loads(Path(sys.argv[2]).read_text()))
