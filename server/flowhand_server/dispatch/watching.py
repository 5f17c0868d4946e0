"""Watches: who waits for news of a run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from flowhand.clock import Clock
from flowhand.wire.runner import MAX_WAIT_S, WatchReply, WatchRequest
from flowhand_server.store.notices import Notice
from flowhand_server.store.store import Store
from flowhand_server.store.watch import has_news, watch

from .claiming import ClientGone

LOOK_EVERY_S: Final = 2.0
"""How often a watch looks without being woken: a reason to wait may change without the run doing so."""


class Watches:
    """Answers watches."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._stopping = False

    async def answer(self, request: WatchRequest, gone: asyncio.Future[None]) -> WatchReply:
        """The run as it is, as soon as that is news, at the latest after the time that the request grants. NotFound, ClientGone."""
        deadline = self._clock.monotonic() + min(max(request.wait_s, 0.0), MAX_WAIT_S)
        why: str | None = None
        first = True
        while True:
            woken = asyncio.Event()
            self._waiting.setdefault(request.flow_run_id, set()).add(woken)
            try:
                reply = await self._store.read(watch, request, self._clock.now_us())
                left = deadline - self._clock.monotonic()
                if has_news(request, reply) or left <= 0 or self._stopping or not (first or reply.why == why):
                    return reply
                first, why = False, reply.why
                await self._wait(woken, gone, min(left, LOOK_EVERY_S))
            finally:
                self._forget(request.flow_run_id, woken)

    def notice(self, notices: Sequence[Notice]) -> None:
        """Wakes those who watch a run that has news."""
        if not self._waiting:
            return
        for notice in notices:
            if notice.topic == "run":
                for woken in self._waiting.get(notice.key or "", ()):
                    woken.set()

    def stop(self) -> None:
        """Has every watch answered at once."""
        self._stopping = True
        for waiting in self._waiting.values():
            for woken in waiting:
                woken.set()

    async def _wait(self, woken: asyncio.Event, gone: asyncio.Future[None], seconds: float) -> None:
        waiting = asyncio.ensure_future(woken.wait())
        try:
            await asyncio.wait({waiting, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if gone.done():
            raise ClientGone

    def _forget(self, run_id: str, woken: asyncio.Event) -> None:
        waiting = self._waiting.get(run_id, set())
        waiting.discard(woken)
        if not waiting:
            self._waiting.pop(run_id, None)
