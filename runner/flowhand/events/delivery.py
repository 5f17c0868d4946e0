"""Delivery: one thread of a process that hands events to the API, many at a time, and is waited for when the process ends.

What comes while a request is under way makes the next batch. While the API is away events stay here, up to a bound, and it is tried again;
whatever is not delivered in the end is told on stderr.
"""

from __future__ import annotations

import atexit
import encodings.idna  # noqa: F401  # pyright: ignore[reportUnusedImport]  # loaded by the first connection: see httpcore below
import logging
import os
import threading
import time
from collections import deque
from typing import Any, Final

import httpcore  # noqa: F401  # pyright: ignore[reportUnusedImport]  # httpx would load it in our thread, and a fork meanwhile inherit half of it

from flowhand.client import events
from flowhand.client.api import SyncApiClient
from flowhand.client.backoff import full_jitter
from flowhand.client.connect import open_sync
from flowhand.errors import ApiError, ApiRefused, ApiUnavailable, ConfigurationError
from flowhand.settings import Settings

BATCH: Final = 200
BATCH_BYTES: Final = 4_000_000
"""Of one request at most; the server takes 8 MB."""
BACKLOG: Final = 20_000
BACKLOG_BYTES: Final = 64_000_000
"""Events, and their bytes, that may wait; then the oldest are given up, and told of."""
LEAVE_S: Final = 10.0
"""How long the end of the process is held up for events that are on their way."""

LEAST_PAUSE_S: Final = 0.1
"""Between two tries while the process waits for us."""

log = logging.getLogger("flowhand.events")

_opening = threading.RLock()
"""Held while a client is made. A fork waits for it: else the new process could inherit OpenSSL's locks held by a thread that it has not."""
os.register_at_fork(before=_opening.acquire, after_in_parent=_opening.release, after_in_child=_opening.release)

Sized = tuple[dict[str, Any], int]
"""An event, and how many bytes it takes."""


class Delivery:
    """Of one process and one API. May be used from any thread."""

    def __init__(self, settings: Settings) -> None:
        self.pid = os.getpid()
        self._settings = settings
        self._changed = threading.Condition()
        self._waiting: deque[Sized] = deque()
        self._bytes = 0
        self._under_way = 0
        self._lost = 0
        self._why = ""
        self._leave_by: float | None = None
        self._thread = threading.Thread(target=self._work, name="flowhand-events", daemon=True)
        self._thread.start()
        atexit.register(self._leave)

    def send(self, body: dict[str, Any], size: int) -> None:
        """Delivers an event of so many bytes in the background. Never waits."""
        with self._changed:
            self._waiting.append((body, size))
            self._bytes += size
            while len(self._waiting) > 1 and (len(self._waiting) > BACKLOG or self._bytes > BACKLOG_BYTES):
                self._bytes -= self._waiting.popleft()[1]
                self._lost += 1
            self._changed.notify_all()

    def flush(self, within_s: float) -> bool:
        """Waits until nothing is on its way any more; whether that was so in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._under_way, within_s)

    # --- the end -----------------------------------------------------------------------------------------------------------------------

    def _leave(self) -> None:
        if self.pid != os.getpid():
            return  # a process that the flow forked: its events are in a delivery of its own
        with self._changed:
            self._leave_by = time.monotonic() + LEAVE_S
            self._changed.notify_all()
        self.flush(LEAVE_S)
        lost = self._lost + len(self._waiting) + self._under_way
        if lost:
            log.error("%d event(s) were not delivered: %s", lost, self._why or f"the API did not take them within {LEAVE_S:g} s")

    # --- the thread --------------------------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        client: SyncApiClient | None = None
        attempt = 0
        while True:
            batch = self._next()
            try:
                client = client or self._open()
                client.send(events.add([body for body, _ in batch]))
            except ApiUnavailable as error:
                self._put_back(batch, error)
                self._pause(full_jitter(attempt))
                attempt += 1
            except ApiRefused as error:
                attempt = 0
                self._refused(client, batch, error)
            except (ApiError, ConfigurationError) as error:
                self._give_up(batch, error)
            else:
                attempt = 0
                self._done()

    def _open(self) -> SyncApiClient:
        with _opening:
            return open_sync(self._settings, patience_s=0.0)

    def _next(self) -> list[Sized]:
        """The next batch, once there is one."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting)
            batch: list[Sized] = []
            size = 0
            while self._waiting and len(batch) < BATCH and (not batch or size + self._waiting[0][1] <= BATCH_BYTES):
                batch.append(self._waiting.popleft())
                size += batch[-1][1]
            self._bytes -= size
            self._under_way = len(batch)
            return batch

    def _put_back(self, batch: list[Sized], error: ApiUnavailable) -> None:
        with self._changed:
            self._why = str(error)
            self._waiting.extendleft(reversed(batch))
            self._bytes += sum(size for _, size in batch)
            self._under_way = 0

    def _refused(self, client: SyncApiClient | None, batch: list[Sized], error: ApiRefused) -> None:
        """One bad event must not take the others with it: they are sent one by one."""
        if len(batch) == 1 or client is None:
            return self._give_up(batch, error)
        for place, one in enumerate(batch):
            try:
                client.send(events.add([one[0]]))
            except ApiUnavailable as away:
                return self._put_back(batch[place:], away)
            except ApiError as alone:
                self._give_up([one], alone)
        return self._done()

    def _give_up(self, batch: list[Sized], error: Exception) -> None:
        log.error("The API did not take %s: %s", ", ".join(repr(body["event"]) for body, _ in batch[:5]), error)
        self._done()

    def _done(self) -> None:
        with self._changed:
            self._under_way = 0
            self._changed.notify_all()

    def _pause(self, seconds: float) -> None:
        with self._changed:
            if self._leave_by is None:
                self._changed.wait_for(lambda: self._leave_by is not None, seconds)
            else:
                self._changed.wait(max(seconds, LEAST_PAUSE_S))
