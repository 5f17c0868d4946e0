"""A claim from its arrival to its answer: look, take, or wait."""

from __future__ import annotations

import asyncio
from typing import Final

from sqlalchemy import Connection

from flowhand.clock import Clock
from flowhand.wire.runner import MAX_WAIT_S, ClaimReply, ClaimRequest
from flowhand_server.store import claim as transactions
from flowhand_server.store.claim import Answer
from flowhand_server.store.store import Store

from .desk import Desk
from .groups import GroupKey, Waiter

KNOWN_AT_MOST: Final = 10_000
"""Sessions whose group is remembered. One that is forgotten costs a look."""
LOOK_EVERY_S: Final = 5.0
"""How often a waiting claim looks without being woken: what a lost notice can cost."""


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


class Claims:
    """Answers claims."""

    def __init__(self, store: Store, desk: Desk, clock: Clock) -> None:
        self._store = store
        self._desk = desk
        self._clock = clock
        self._known: dict[str, GroupKey] = {}
        """Sessions to the groups that they waited in last: with that known, one look is enough to wait."""

    async def answer(self, request: ClaimRequest, secret: str, gone: asyncio.Future[None]) -> ClaimReply:
        """The reply, at the latest after the time that the request grants. ClientGone when `gone` is done while it waits."""
        deadline = self._clock.monotonic() + min(max(request.wait_s, 0.0), MAX_WAIT_S)
        key = self._known.get(request.session)
        while True:
            news, mark = self._desk.news(key), self._desk.frees.count
            answer = await self._look(request, secret)
            if answer.worth_sending:
                return self._send(answer, key)
            left = deadline - self._clock.monotonic()
            if left <= 0 or self._desk.stopping:
                return answer.reply
            known, key = key, GroupKey.of(answer, request.prefetch_s) if request.slots > 0 else None
            if key != known or news != self._desk.news(key) or self._desk.frees.since(mark, answer.waits_for):
                continue  # the look may have missed what came meanwhile
            claimed = await self._wait(self._waiter(request, secret, key, answer), answer.next_due, gone, min(left, LOOK_EVERY_S))
            if claimed is not None and claimed.worth_sending:
                return self._send(claimed, key)

    async def _look(self, request: ClaimRequest, secret: str) -> Answer:
        """A look that takes no write lock, then the claim itself when there is something to do."""
        answer = await self._store.read(transactions.look, request, secret, self._clock.now_us())
        if answer.undone:
            answer = await self._store.write(transactions.claim, request, secret, self._clock.now_us())
        return answer

    async def _wait(self, waiter: Waiter, next_due: int | None, gone: asyncio.Future[None], seconds: float) -> Answer | None:
        """Until it is woken or the time is over: the answer of a claim that was made for it, or None for another look."""
        self._desk.wait(waiter, next_due)
        self._remember(waiter)
        try:
            await asyncio.wait({waiter.future, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if waiter.future.done():
                return waiter.future.result()
            if gone.done():
                raise ClientGone
            if self._desk.leave(waiter):
                return None
            # a claim is being made for it in this very moment
            return await waiter.future
        except (ClientGone, asyncio.CancelledError):
            waiter.future.cancel()
            if not self._desk.leave(waiter):
                self._desk.pass_on(waiter.key)
            raise
        finally:
            self._desk.leave(waiter)

    def _remember(self, waiter: Waiter) -> None:
        """Of a group that has waiters, the desk counts the news from then on."""
        if waiter.key is None:
            return
        if len(self._known) >= KNOWN_AT_MOST:
            self._known.clear()
        self._known[waiter.session] = waiter.key

    def _send(self, answer: Answer, key: GroupKey | None) -> ClaimReply:
        if answer.more:
            self._desk.pass_on(key)
        return answer.reply

    def _waiter(self, request: ClaimRequest, secret: str, key: GroupKey | None, answer: Answer) -> Waiter:
        def claim(conn: Connection) -> Answer:
            return transactions.claim(conn, request, secret, self._clock.now_us())

        return Waiter(request.session, key, asyncio.get_running_loop().create_future(), claim, answer.waits_for)
