"""The heartbeat: renews every lease by run and attempt, and keeps the keeper's deadlines current.

Apart from the reporter, so that a renewal never waits behind a batch; never queued: a beat that could not be sent is followed by the next.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import structlog

from flowhand.backends.backend import Backend
from flowhand.clock import Clock
from flowhand.daemon.deadline import kill_at
from flowhand.daemon.registry import Registry
from flowhand.daemon.run import Run
from flowhand.daemon.session import Session
from flowhand.errors import ApiRefused, ApiUnavailable, KeeperError, Unauthorized
from flowhand.execution.launcher import Launcher
from flowhand.wire.job import key_of
from flowhand.wire.runner import FENCING, Orders, Refusal, ReportRequest

log = structlog.get_logger("flowhand.daemon")
CONFLICT = 409
SOONER = 4
"""A heartbeat that was not heard is followed by the next so many times sooner."""


class Heartbeat:
    """Renews once a period."""

    def __init__(
        self,
        backend: Backend,
        session: Session,
        registry: Registry,
        launcher: Launcher,
        clock: Clock,
        fenced: Callable[[Run, Refusal], Awaitable[None]],
        orders: Callable[[Orders], Awaitable[None]],
    ) -> None:
        self._backend = backend
        self._session = session
        self._registry = registry
        self._launcher = launcher
        self._clock = clock
        self._fenced = fenced
        self._orders = orders

    async def run(self) -> None:
        """The loop; ends by cancellation, or by Unauthorized."""
        while True:
            began = self._clock.monotonic()
            heard = await self.beat()
            period = self._session.reply.heartbeat_s / (1 if heard else SOONER)
            await anyio.sleep(max(0.0, began + period - self._clock.monotonic()))

    async def beat(self) -> bool:
        """One renewal of all leases, and the deadlines that follow from it. Whether the server has heard it."""
        runs = [run for run in self._registry if not run.silenced]
        heard = await self._renew(runs)
        deadlines = {run.key: kill_at(run, self._session.reply, self._clock) for run in runs if run.started and not run.ended}
        for run in runs:
            if run.calls_hooks and run.hooks_until is not None:
                deadlines[run.hooks_key] = min(run.hooks_until, kill_at(run, self._session.reply, self._clock))
        if deadlines:
            try:
                await self._launcher.extend(deadlines)
            except KeeperError as error:  # it is stopped or busy beyond all measure; the next beat tells it again
                log.warning("The keeper does not answer; its deadlines stand as they were", error=str(error))
        return heard

    async def _renew(self, runs: list[Run]) -> bool:
        request = ReportRequest(session=self._session.id, renew=[(run.claimed.run_id, run.claimed.attempt) for run in runs])
        sent_at = self._clock.boottime()
        try:
            with anyio.fail_after(self._patience()):
                reply = await self._backend.report(request)
        except (ApiUnavailable, TimeoutError) as error:
            log.debug("A heartbeat could not be sent", error=str(error))
            return False
        except Unauthorized:
            raise
        except ApiRefused as error:
            if error.status != CONFLICT:
                raise
            await self._session.reopen(request.session)
            return False
        self._session.outage.over()
        lost = {key_of(refusal.run_id, refusal.attempt): refusal for refusal in reply.lost}
        for run in runs:
            refusal = lost.get(run.key)
            if refusal is None:
                run.lease_until = sent_at + reply.lease_s
            elif run.ended and not run.calls_hooks:
                pass  # its last report is under way, perhaps stored already: what became of the run is in the answer to that
            elif refusal.reason in FENCING:
                await self._fenced(run, refusal)
            elif refusal.reason == "terminal":  # it was ended by somebody while we could not be told
                reply.orders.cancel.append((refusal.run_id, refusal.attempt))
        await self._orders(reply.orders)
        return True

    def _patience(self) -> float:
        """How long a heartbeat may take: a slow server is waited for, but not for longer than leaves time for another try."""
        reply = self._session.reply
        return max(reply.heartbeat_s, min(5.0, reply.lease_s / 3))
