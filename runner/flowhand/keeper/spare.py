"""One child is forked before anybody asks for it: a run then begins with a message, not with a fork.

Forking the warm image, and copying the pages that a child writes to until it is ready, take 2 to 3 ms, which no run waits for that way.
"""

from __future__ import annotations

import json
import os
from typing import Any, Final

from flowhand.keeper import forking
from flowhand.wire.records import MAX_BODY

LONGEST: Final = MAX_BODY
"""Bytes of a job that a child takes as one message; a longer one is handed over by a fork."""


class Spare:
    """At most one child that waits. In it, `prepare` raises `forking.Newborn`."""

    def __init__(self, surroundings: forking.Surroundings) -> None:
        self._surroundings = surroundings
        self._birth: forking.Birth | None = None

    def prepare(self) -> None:
        """Has one waiting. Where a limit is reached there is none, and the next START says so."""
        if self._birth is None:
            try:
                self._birth = forking.fork(self._surroundings)
            except OSError:
                return

    def take(self, job: dict[str, Any]) -> forking.Birth | None:
        """The waiting child, which goes about the job from now on; None when there is none, or it has died."""
        if self._birth is None:
            return None
        message = b"\0" + json.dumps(job).encode()
        if len(message) > LONGEST:
            return None
        birth, self._birth = self._birth, None
        try:
            birth.ends[0].send(message)
        except OSError:
            _close(birth)
            return None
        return birth

    def dismiss(self) -> None:
        """Lets it go: it was forked from an image that is out of date, or nobody needs it. Idempotent."""
        if self._birth is not None:
            _close(self._birth)
            self._birth = None


def _close(birth: forking.Birth) -> None:
    sock, stdout, stderr = birth.ends
    sock.close()
    os.close(stdout)
    os.close(stderr)
