"""The program of a run's process: `Program` in a forked child, `python -m flowhand.child` in an interpreter of its own."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import sys
import threading
from typing import NoReturn, cast

from flowhand.child import logs
from flowhand.child.channel import Channel
from flowhand.child.engine import run_job
from flowhand.child.stopping import Stop
from flowhand.wire.job import Job


class Program:
    """A run's process, before it knows its run.

    It is the run's from here on: environment, working directory, signal handlers and logging are changed for good.
    """

    def __init__(self, channel_fd: int) -> None:
        self._channel = Channel(channel_fd)
        self._stop = Stop(self._channel)
        self._stop.listen()
        logs.install(self._channel, logging.INFO)

    def awaited(self) -> Job | None:
        """The job, once the keeper has sent it; None when none will come."""
        return cast("Job | None", self._channel.received())

    def main(self, job: Job) -> int:
        """Runs the job and answers the exit code; the caller goes on to `finish`."""
        logs.install(self._channel, job["log_level"])
        return run_job(job, self._channel, self._stop)


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
