"""A run's process goes on in another interpreter: same process, channel, output and job."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from typing import NoReturn

from flowhand.child.channel import Channel
from flowhand.errors import PullStepFailed
from flowhand.wire.job import Job


def continue_in(python: str, job: Job, channel: Channel) -> NoReturn:
    """Executes `python` with the child program and hands it the job. PullStepFailed when it cannot be executed."""
    with tempfile.TemporaryFile() as file:  # has no name, so that nobody else reads it and nothing is left behind
        file.write(json.dumps(job).encode())
        file.seek(0)
        os.set_inheritable(file.fileno(), True)
        os.environ |= {"FLOWHAND__JOB_FD": str(file.fileno()), "FLOWHAND__CHANNEL_FD": str(channel.bequeath())}
        for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # an interpreter ignores them for itself, and exec keeps what is ignored
            signal.signal(ignored, signal.SIG_DFL)
        try:
            os.execv(python, [python, "-P", "-m", "flowhand.child"])
        except OSError as error:
            failure = PullStepFailed(f"the interpreter {python} that the steps chose cannot be executed: {error.strerror}")
    raise failure
