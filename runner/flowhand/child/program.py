"""The program of a run's process: `main` in a forked child, `python -m flowhand.child` in an interpreter of its own."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import NoReturn

from flowhand.child import logs, rehearsal
from flowhand.child.channel import Channel, NullChannel
from flowhand.child.engine import run_job
from flowhand.child.stopping import Stop
from flowhand.sdk.context import process
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


# --- the rehearsal --------------------------------------------------------------------------------------------------------------------


def warm() -> None:
    """Runs flows of every kind to their end, on a channel that nobody hears, so that what a run imports and caches is there before the
    first fork. Leaves no trace: directory, module path, handlers and loggers are as before."""
    directory, path = Path.cwd(), list(sys.path)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGALRM)}
    channel = NullChannel()
    handler = logs.install(channel, logging.INFO)
    try:
        for name, parameters in rehearsal.FLOWS.items():
            run_job(rehearsal.job(name, parameters), channel, Stop(channel))
    finally:
        logs.remove(handler)
        process.run = process.announce = process.conceal = None
        for number, before in handlers.items():
            signal.signal(number, before or signal.SIG_DFL)
        sys.path[:] = path
        os.chdir(directory)
