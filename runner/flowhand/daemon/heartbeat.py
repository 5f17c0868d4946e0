"""The heartbeat: renews every lease by run and attempt, and keeps the keeper's deadlines current.

Apart from the reporter, so that a renewal never waits behind a batch; never queued: a beat that could not be sent is followed by the next.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import structlog

from flowhand.backends.backend import Backend
from flowhand.clock import Clock
from flowhand.daemon.registry import Registry
from flowhand.daemon.run import Run
from flowhand.daemon.session import Session
from flowhand.errors import ApiRefused, ApiUnavailable, Unauthorized
from flowhand.execution.launcher import Launcher
from flowhand.wire.job import key_of
from flowhand.wire.runner import FENCING, Orders, Refusal, ReportRequest

log = structlog.get_logger("flowhand.daemon")
CONFLICT = 409


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
            await self.beat()
            await anyio.sleep(self._session.reply.heartbeat_s)

    async def beat(self) -> None:
        """One renewal of all leases, and the deadlines that follow from it."""
        runs = [run for run in self._registry if not run.silenced]
        await self._renew(runs)
        deadlines = {run.key: self.kill_at(run) for run in runs if run.started and not run.ended}
        if deadlines:
            await self._launcher.extend(deadlines)

    def kill_at(self, run: Run) -> float:
        """When the keeper ends this attempt if it hears nothing more of us: under `retry` before its lease does, else after the grace."""
        reply = self._session.reply
        if run.claimed.crash_policy == "retry":
            return run.lease_until - reply.margin_s
        return self._clock.boottime() + reply.grace_s

    async def _renew(self, runs: list[Run]) -> None:
        request = ReportRequest(session=self._session.id, renew=[(run.claimed.run_id, run.claimed.attempt) for run in runs])
        sent_at = self._clock.boottime()
        try:
            with anyio.fail_after(max(5.0, self._session.reply.heartbeat_s)):
                reply = await self._backend.report(request)
        except (ApiUnavailable, TimeoutError) as error:
            log.debug("A heartbeat could not be sent", error=str(error))
            return
        except Unauthorized:
            raise
        except ApiRefused as error:
            if error.status != CONFLICT:
                raise
            await self._session.reopen(request.session)
            return
        lost = {key_of(refusal.run_id, refusal.attempt): refusal for refusal in reply.lost}
        for run in runs:
            refusal = lost.get(run.key)
            if refusal is None:
                run.lease_until = sent_at + reply.lease_s
            elif refusal.reason in FENCING:
                await self._fenced(run, refusal)
        await self._orders(reply.orders)
