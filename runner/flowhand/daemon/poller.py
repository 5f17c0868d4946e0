"""The poller: asks for runs by long poll, and for orders while there is no slot.

Where the long poll is cut or refused it falls back to plain polls with jitter (`patience`). A claim that waits with no free slots is
broken off as soon as one is free; an answer lost that way comes again, because each request names the last one received.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import anyio
import anyio.lowlevel
import structlog

from flowhand.backends.backend import Backend
from flowhand.clock import Clock
from flowhand.daemon.backoff import Backoff
from flowhand.daemon.patience import Patience
from flowhand.daemon.registry import Registry
from flowhand.daemon.session import Session
from flowhand.errors import ApiRefused, ApiUnavailable, Unauthorized
from flowhand.failpoints import fail_point
from flowhand.wire.job import key_of
from flowhand.wire.runner import MAX_WAIT_S, Attempt, ClaimedRun, ClaimReply, ClaimRequest, Orders

log = structlog.get_logger("flowhand.daemon")

SETTLE_S: Final = 0.25
"""With all slots taken a claim for orders alone is opened only after so long without a free slot: in a flood the reports carry them."""
BARRED_S: Final = 5.0
"""How long a claim waits while the gate is closed."""
CONFLICT: Final = 409

Accept = Callable[[ClaimedRun, float], Awaitable[None]]
"""(run, CLOCK_BOOTTIME second at which the request was sent)"""


class Poller:
    """Claims runs while it is open."""

    def __init__(
        self,
        backend: Backend,
        session: Session,
        registry: Registry,
        clock: Clock,
        accept: Accept,
        orders: Callable[[Orders], Awaitable[None]],
        prefetch_s: float,
        patience: Patience,
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        self._backend = backend
        self._session = session
        self._registry = registry
        self._clock = clock
        self._accept = accept
        self._orders = orders
        self._prefetch_s = prefetch_s
        self._patience = patience
        self._backoff = backoff()
        self._change = anyio.Event()
        self._scope: anyio.CancelScope | None = None
        self._resting = anyio.CancelScope()
        """Of the pause during an outage, which only `close` ends early."""
        self._asked = 0
        self._received = ("", 0)
        """Of the last answer with runs: its session and its number."""
        self._told: set[Attempt] = set()
        """Orders that have been received; without them every claim would be answered at once until the last one is carried out."""
        self._said: tuple[bool, str | None] = (False, None)
        """Whether the gate was closed, else why there was nothing, when it was last told."""
        self._barred: str | None = None
        """Why the gate is closed."""
        self.closed = False
        self.first_answer = anyio.Event()
        """Set once a claim went round and its runs were accepted."""
        self.last_success = clock.monotonic()
        """When the last claim went round; the watchdog's food."""
        self.gate: Callable[[], str | None] = lambda: None
        """Asked before each claim; a reason (such as a full disk) makes it a claim for orders alone."""
        registry.on_free(self._freed)

    async def run(self) -> None:
        """The loop; returns once `close` was called, raises Unauthorized and refusals that waiting does not mend."""
        while not self.closed:
            await self._cycle()

    def close(self) -> None:
        """No more claims. The one under way is broken off."""
        self.closed = True
        self._change.set()
        self._resting.cancel()
        if self._scope is not None:
            self._scope.cancel()

    async def settle(self) -> None:
        """Asks once more without slots, so that runs of a lost answer are known and can be handed back."""
        await self._claim(0, 0.0)

    async def _cycle(self) -> None:
        slots = self._slots()
        if slots == 0 and self._registry.free == 0 and await self._freed_within(SETTLE_S):
            return
        wait_s = self._patience.wait_s(self._longest_wait()) if self.first_answer.is_set() else 0.0
        try:
            with anyio.CancelScope() as self._scope:
                self._asked = slots
                given = await self._claim(slots, wait_s)
                self._patience.answered(wait_s)
                if self._patience.plain and not given:
                    await self._freed_within(self._patience.pause_s())
        except ApiUnavailable as error:
            self._patience.failed(wait_s)
            delay = self._backoff.next(error.retry_after)
            if self._backoff.failures == 1:
                log.warning("The API cannot be reached; claiming again as soon as it can", error=str(error))
            await self._pause(delay, error.retry_after)
        finally:
            self._scope = None

    def _longest_wait(self) -> float:
        """How long a claim may wait: so short that runs of an answer that is lost are asked for again within their lease, and that an
        opened gate is seen."""
        return min(MAX_WAIT_S if self._barred is None else BARRED_S, self._session.reply.lease_s / 3)

    def _slots(self) -> int:
        self._barred = self.gate()
        if self._barred is not None:
            self._say(self._barred)
            return 0
        return self._registry.free

    def _last_claim(self) -> int:
        """Answers are numbered anew in each session."""
        session, number = self._received
        return number if session == self._session.id else 0

    async def _claim(self, slots: int, wait_s: float) -> bool:
        """One claim; whether it gave runs."""
        request = ClaimRequest(
            session=self._session.id,
            last_claim=self._last_claim(),
            slots=slots,
            prefetch_s=self._prefetch_s,
            wait_s=wait_s,
            told=sorted(self._told),
        )
        fail_point("before-claim")
        sent_at = self._clock.boottime()
        try:
            reply = await self._backend.claim(request)
        except Unauthorized:
            raise
        except ApiRefused as error:
            if error.status != CONFLICT:
                raise
            await self._session.reopen(request.session)
            return False
        if request.session == self._session.id:  # else what it gave was handed back when its session was superseded
            await self._take(reply, sent_at)
        return bool(reply.runs)

    async def _take(self, reply: ClaimReply, sent_at: float) -> None:
        if self._backoff.failures:
            log.info("The API is back")
        self._backoff.reset()
        self._session.outage.over()
        self.last_success = self._clock.monotonic()
        self._say(self._barred or reply.why)
        with anyio.CancelScope(shield=True):  # what was received is taken whole, also when the claim is broken off meanwhile
            for claimed in reply.runs:
                await self._accept(claimed, sent_at)
            await anyio.lowlevel.checkpoint()  # the tasks that start them go first, then the next claim
            self._received = (self._session.id, reply.claim)
            self._told = {attempt for attempt in self._told if self._registry.get(key_of(*attempt)) is not None}
            self._told.update(reply.orders.cancel, reply.orders.revoke)
            await self._orders(reply.orders)
        self.first_answer.set()

    def _say(self, why: str | None) -> None:
        barred = self._barred is not None
        saying = (barred, None if barred else why)  # the figures of a gate that stays closed may change at every look
        if why and saying != self._said:
            if barred:
                log.warning("Nothing is claimed", why=why)
            else:
                log.info("Waiting", why=why)
        self._said = saying

    async def _freed_within(self, seconds: float) -> bool:
        """Waits so long for a slot to be freed; whether one was."""
        self._change = anyio.Event()
        with anyio.move_on_after(seconds):
            await self._change.wait()
            return True
        return False

    async def _pause(self, seconds: float, asked_s: float | None) -> None:
        if not self.closed:
            with anyio.CancelScope() as self._resting:
                await self._session.outage.sit_out(seconds, asked_s)

    def _freed(self) -> None:
        self._change.set()
        if self._scope is not None and self._asked == 0 and self._registry.free:
            self._scope.cancel()
