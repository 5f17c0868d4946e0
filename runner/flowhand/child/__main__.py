"""`python -m flowhand.child`: a run in an interpreter of its own.

The job is read from the file named by FLOWHAND__JOB, or from the descriptor named by FLOWHAND__JOB_FD, which is closed; the channel is the
descriptor named by FLOWHAND__CHANNEL_FD, 3 unless set.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from flowhand.child.handed_over import CONTAINED, die_with
from flowhand.child.program import Program, finish
from flowhand.wire.job import Job


def run() -> None:
    """Reads the job, runs it, leaves."""
    job = _job()
    if CONTAINED in os.environ:  # executed anew after its pull steps
        die_with(int(os.environ["FLOWHAND__CHANNEL_FD"]))
    finish(Program(int(os.environ.get("FLOWHAND__CHANNEL_FD", "3"))).main(job))


def _job() -> Job:
    handed_over = os.environ.pop("FLOWHAND__JOB_FD", None)
    if handed_over is not None:
        with os.fdopen(int(handed_over), "rb") as file:
            return json.load(file)
    path = os.environ.get("FLOWHAND__JOB")
    if not path:
        sys.exit("flowhand.child runs one job, named by FLOWHAND__JOB; it is started by a worker, not by hand")
    return json.loads(Path(path).read_bytes())


if __name__ == "__main__":
    run()
