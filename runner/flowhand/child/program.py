"""The program of a run's process: `main` in a forked child, `python -m flowhand.child` in an interpreter of its own."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
from typing import NoReturn

from flowhand.child import logs
from flowhand.child.channel import Channel
from flowhand.child.engine import run_job
from flowhand.child.stopping import Stop
from flowhand.wire.job import Job


def main(job: Job, channel_fd: int) -> int:
    """Runs the job and answers the exit code; the caller goes on to `finish`. The process is the run's from here on: environment,
    working directory, signal handlers and logging are changed for good."""
    channel = Channel(channel_fd)
    stop = Stop(channel)
    stop.listen()
    logs.install(channel, job["log_level"])
    return run_job(job, channel, stop)


def finish(code: int) -> NoReturn:
    """Leaves as an interpreter does: waits for threads that are not daemons, calls what is registered with atexit, flushes.

    What goes wrong on the way is told on stderr and changes nothing about a run that has said its last word.
    """
    threading._shutdown()  # pyright: ignore[reportAttributeAccessIssue]  # noqa: SLF001  # as multiprocessing leaves its children: joining alone would hang on idle pools
    atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)
