"""Why a run that somebody waits for does not start."""

from __future__ import annotations

import logging
from typing import Any

from flowhand.sdk.context import current_run
from flowhand.sdk.run_logging import logger_of, show_on_console
from flowhand.wire.runner import WatchReply
from flowhand.wire.states import StateName


class Waiting:
    """Says why a run does not start, each reason once: in the log of the run around the call, else on the console."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._said: str | None = None

    def tell(self, reply: WatchReply) -> None:
        """The reason as it is now, if it is another than before."""
        why = reply.why or ("late" if reply.state_name == StateName.LATE else None)  # another server than ours says no more
        if why is not None and why != self._said:
            run = current_run()
            if run is None:
                show_on_console()
            log: Any = logging.getLogger("flowhand.deployments") if run is None else logger_of(run)
            log.info("Flow run %r waits: %s", self._name, why)
        self._said = why
