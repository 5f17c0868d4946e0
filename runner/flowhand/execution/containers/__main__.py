"""`python -m flowhand.execution.containers FOLDER`: stands for a container on this host, as the keeper's child, and ends as it ends."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import threading
from pathlib import Path
from typing import Final, NoReturn

from flowhand.deployments.images.engine import engine
from flowhand.errors import EngineUnavailable, LaunchError
from flowhand.execution.containers.box import Box, End
from flowhand.execution.containers.handover import Folder
from flowhand.execution.containers.relay import Relay

CHANNEL: Final = 3
"""The descriptor by which the keeper hears its children."""
TELL_S: Final = 1.0
"""How long the container may take to be told why it is stopped, before it is asked to stop."""
DRAIN_S: Final = 5.0
_SIGNALLED: Final = 128


def main() -> NoReturn:
    """Does not return."""
    folder = Folder(Path(sys.argv[1]))
    relay = Relay(folder.shared, CHANNEL)
    relay.start()
    try:
        with engine() as client:
            box = Box.make(client, folder.container(), folder.shared)
            signal.signal(signal.SIGTERM, lambda _number, _frame: threading.Thread(target=_stop, args=(box, relay)).start())
            end = box.run()
            relay.close(DRAIN_S)
            folder.finish()
            box.remove()
    except (EngineUnavailable, LaunchError) as error:
        relay.say(json.dumps({"k": "end", "type": "CRASHED", "name": "Crashed", "message": str(error)}).encode())
        sys.stderr.write(f"{error}\n")
        if isinstance(error, LaunchError):  # else there may be a container, and whoever hears of our end looks for it
            folder.finish()
        sys.exit(1)
    _leave_as(end)


def _stop(box: Box, relay: Relay) -> None:
    relay.told_to_stop.wait(TELL_S)
    try:
        box.stop()
    except EngineUnavailable as error:  # the keeper kills us after the grace
        sys.stderr.write(f"{error}\n")


def _leave_as(end: End) -> NoReturn:
    """By the same signal or with the same code, so that whoever waits for us learns how the container ended."""
    if end.out_of_memory:
        sys.stderr.write("The container was out of memory: the kernel killed it at its limit.\n")
        sys.stderr.flush()
    number = end.code - _SIGNALLED
    if end.code > _SIGNALLED and number in (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(end.code)


if __name__ == "__main__":
    main()
