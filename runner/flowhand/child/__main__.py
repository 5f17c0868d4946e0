"""`python -m flowhand.child`: a run in an interpreter of its own.

The job is read from the file named by FLOWHAND__JOB; the channel is the descriptor named by FLOWHAND__CHANNEL_FD, 3 unless set.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from flowhand.child.program import finish, main


def run() -> None:
    """Reads the job, runs it, leaves."""
    path = os.environ.get("FLOWHAND__JOB")
    if not path:
        sys.exit("flowhand.child runs one job, named by FLOWHAND__JOB; it is started by a worker, not by hand")
    job = json.loads(Path(path).read_bytes())
    finish(main(job, int(os.environ.get("FLOWHAND__CHANNEL_FD", "3"))))


if __name__ == "__main__":
    run()
