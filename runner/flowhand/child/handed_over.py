"""A run's process in a container: the job and the channel come through a folder that the worker's host and the container both see.

What starts the container is the image's and the deployment's; `flowhand flow-run execute` in it finds the folder by FLOWHAND__HANDOVER and
goes on with the attempt that the worker has leased: no other claim is made, and the API is not needed.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import threading
from pathlib import Path
from typing import Final, NoReturn, cast

from flowhand.child.program import Program, finish
from flowhand.wire.job import CHANNEL_FILE, HANDOVER, JOB_FILE, Job

CONTAINED: Final = "FLOWHAND__CONTAINED"
"""Set in a process that has taken its job over this way, and in what it becomes after its pull steps."""


def run() -> NoReturn:
    """Takes the job over, runs it, leaves."""
    folder = Path(os.environ.pop(HANDOVER))
    job = cast("Job", json.loads((folder / JOB_FILE).read_bytes()))
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    channel.connect(str(folder / CHANNEL_FILE))
    os.environ[CONTAINED] = "1"
    die_with(channel.fileno())
    finish(Program(channel.detach()).main(job))


def die_with(channel: int) -> None:
    """From now on this process is killed when nobody holds the other end: its lease may be another's by then."""
    watched = os.dup(channel)  # the channel itself may be closed, or be handed on

    def watch() -> None:
        poll = select.poll()
        poll.register(watched, 0)  # the end of the other side is always told
        poll.poll()
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="flowhand-channel-watch", daemon=True).start()
