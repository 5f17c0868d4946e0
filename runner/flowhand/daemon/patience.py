"""How long a claim may wait at the server, learned from what became of the claims before.

A proxy on the way may cut every request that lasts, which looks like an API that is away. So a claim that failed is followed by one that
does not wait: when that goes round, only the waiting was cut. After CUTS of these in a row claims are plain polls with a jittered pause in
between, and waiting is tried again every AGAIN_S.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

import structlog

log = structlog.get_logger("flowhand.daemon")
CUTS: Final = 2
"""So many, because a server that is started anew cuts one."""
AGAIN_S: Final = 120.0


class Patience:
    """Of one poller. `poll_s` is the seconds between plain polls, each drawn between half of it and all."""

    def __init__(self, poll_s: float, monotonic: Callable[[], float], draw: random.Random) -> None:
        self._poll_s = poll_s
        self._monotonic = monotonic
        self._draw = draw
        self._cuts = 0
        self._doubting = False
        """The last claim failed while it waited: the next one is plain, to find out why."""
        self._plain_until = float("-inf")

    @property
    def plain(self) -> bool:
        """Whether no long poll can be held, so that polls need a pause between them."""
        return self._monotonic() < self._plain_until

    def wait_s(self, most_s: float) -> float:
        """How long the next claim may wait: `most_s`, or not at all."""
        return 0.0 if self._doubting or self.plain else most_s

    def pause_s(self) -> float:
        """How long to rest before the next plain poll."""
        return self._poll_s * self._draw.uniform(0.5, 1.0)

    def answered(self, waited_s: float) -> None:
        """A claim that was allowed to wait so long went round."""
        if waited_s > 0:
            self._cuts = 0
        elif self._doubting:
            self._doubting = False
            self._cuts += 1
            if self._cuts >= CUTS:
                self._cuts = 0
                self._plain_until = self._monotonic() + AGAIN_S
                log.warning("Claims that wait are cut on the way to the API; asking again and again instead", every_s=self._poll_s)

    def failed(self, waited_s: float) -> None:
        """A claim that was allowed to wait so long got no answer. One that did not wait means that the API is away."""
        if waited_s > 0:
            self._doubting = True
        else:
            self._doubting = False
            self._cuts = 0
