"""A run's process goes on in another interpreter: same process, channel, output, and what it has to know."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from typing import Any, NoReturn

from flowhand.child.channel import Channel
from flowhand.errors import PullStepFailed
from flowhand.wire.job import Job


def continue_in(python: str, job: Job, channel: Channel) -> NoReturn:
    """Executes `python` with the child program and hands it the job. PullStepFailed when it cannot be executed."""
    os.environ["FLOWHAND__CHANNEL_FD"] = str(channel.bequeath())
    execute_anew(python, ["-m", "flowhand.child"], "FLOWHAND__JOB_FD", job)


def execute_anew(python: str, arguments: list[str], variable: str, told: Any) -> NoReturn:
    """Executes `python` with the arguments. `told`, of any size and secret if need be, is JSON in the descriptor that `variable` names.

    PullStepFailed when it cannot be executed.
    """
    with tempfile.TemporaryFile() as file:  # has no name, so that nobody else reads it and nothing is left behind
        file.write(json.dumps(told).encode())
        file.seek(0)
        os.set_inheritable(file.fileno(), True)
        os.environ[variable] = str(file.fileno())
        # an interpreter ignores them for itself, and exec keeps what is ignored
        before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGPIPE, signal.SIGXFSZ)}
        try:
            os.execv(python, [python, "-P", *arguments])
        except OSError as error:  # this process goes on, and says so
            for number, handler in before.items():
                signal.signal(number, handler)
            del os.environ[variable]
            failure = PullStepFailed(f"the interpreter {python} that the steps chose cannot be executed: {error.strerror}")
    raise failure
