"""`python -m flowhand.execution.containers FOLDER`: stands for a container on this host, as the keeper's child, and ends as it ends."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Final, NoReturn

from flowhand.deployments.images.engine import engine
from flowhand.errors import EngineUnavailable, LaunchError
from flowhand.execution.containers.box import Box, End
from flowhand.execution.containers.handover import Folder
from flowhand.execution.containers.relay import Relay
from flowhand.keeper import linux

CHANNEL: Final = 3
"""The descriptor by which the keeper hears its children."""
TELL_S: Final = 1.0
"""How long the container may take to be told why it is stopped, before it is asked to stop."""
DRAIN_S: Final = 5.0
_SIGNALLED: Final = 128


def main() -> NoReturn:
    """Does not return."""
    linux.weigh_as_parent()  # what weighs is in the container
    folder = Folder(Path(sys.argv[1]))
    relay = Relay(folder.shared, CHANNEL)
    relay.start()
    box = None
    try:
        with engine() as client:
            box = Box.make(client, folder.container(), folder.shared)
            signal.signal(signal.SIGTERM, partial(_stop_beside, box, relay))
            end = box.run()
            relay.close(DRAIN_S)
            _say(relay, k="container", message=end.words)
            folder.finish()
            box.remove()
    except LaunchError as error:
        _not_begun(relay, str(error))
        folder.finish()
        sys.exit(1)
    except EngineUnavailable as error:  # there may be a container, and whoever hears of our end looks for it
        if box is None:
            _not_begun(relay, str(error))
        else:
            _say(relay, k="container", message=f"The container was lost sight of: {error}.")
        sys.exit(1)
    _leave_as(end)


def _not_begun(relay: Relay, why: str) -> None:
    """The last word, since nobody else can say it."""
    _say(relay, k="end", type="CRASHED", name="Crashed", message=f"{why[:1].upper()}{why[1:]}.")
    sys.stderr.write(f"{why}\n")


def _say(relay: Relay, **frame: str) -> None:
    relay.say(json.dumps(frame).encode())


def _stop_beside(box: Box, relay: Relay, _number: int, _frame: object) -> None:
    threading.Thread(target=_stop, args=(box, relay)).start()


def _stop(box: Box, relay: Relay) -> None:
    relay.told_to_stop.wait(TELL_S)
    try:
        box.stop()
    except EngineUnavailable as error:  # the keeper kills us after the grace
        sys.stderr.write(f"{error}\n")


def _leave_as(end: End) -> NoReturn:
    """By the same signal or with the same code, so that whoever waits for us learns how the container ended."""
    number = end.code - _SIGNALLED
    if end.code > _SIGNALLED and number in (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(end.code)


if __name__ == "__main__":
    main()
