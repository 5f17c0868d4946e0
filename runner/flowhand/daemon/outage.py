"""An outage of the API, as one thing to all who ask it: the first of them to be answered again ends the pauses of the others."""

from __future__ import annotations

from typing import Final

import anyio

LEAST_S: Final = 1.0
"""What a pause is never cut below: where one kind of request fails alone, the others' answers must not drive it round and round."""


class Outage:
    """Of one daemon. Made within the event loop or before it."""

    def __init__(self) -> None:
        self._over = anyio.Event()
        self._waiting = 0

    def over(self) -> None:
        """An answer has come: whoever sits the outage out tries again soon. Cheap, to be called at each answer."""
        if self._waiting:
            self._over.set()
            self._over = anyio.Event()

    async def sit_out(self, seconds: float, asked_s: float | None = None) -> None:
        """Waits so long, or until somebody else was answered, but then at least LEAST_S and what the server asked for; cancellable."""
        over, least = self._over, max(LEAST_S, asked_s or 0.0)
        self._waiting += 1
        try:
            await anyio.sleep(min(seconds, least))
            with anyio.move_on_after(max(seconds - least, 0.0)):
                await over.wait()
        finally:
            self._waiting -= 1
