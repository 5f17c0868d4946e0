"""The drain: how a daemon leaves. One deadline for all of it; every wait on the way is bounded by it.

stop claiming → hand back what has not begun → let the rest end → stop what has not ended in time → report → close.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import anyio
import structlog

from flowhand.clock import Clock
from flowhand.daemon.poller import Poller
from flowhand.daemon.registry import Registry
from flowhand.daemon.run_lifecycle import Lifecycle
from flowhand.errors import ApiError
from flowhand.execution.launcher import StopReason
from flowhand.failpoints import fail_point

log = structlog.get_logger("flowhand.daemon")
REPORT_S: Final = 5.0
"""What is kept of the time for the last reports; at most half a grace."""


class Drain:
    """Begins once; `hasten` shortens it. Seconds throughout."""

    def __init__(self, poller: Poller, lifecycle: Lifecycle, registry: Registry, clock: Clock, drain_s: float, grace_s: float) -> None:
        self._poller = poller
        self._lifecycle = lifecycle
        self._registry = registry
        self._clock = clock
        self._drain_s = drain_s
        self._grace_s = min(grace_s, drain_s) if drain_s > 0 else grace_s
        self.begun = anyio.Event()
        self._hastened = anyio.Event()
        self._abandoned = anyio.Event()

    def begin(self) -> None:
        """Asks for the drain; a second time hastens it, a third time gives up waiting."""
        if not self.begun.is_set():
            self.begun.set()
        elif not self._hastened.is_set():
            log.warning("Asked again: stopping what still runs")
            self._hastened.set()
        else:
            log.warning("Asked a third time: leaving at once; what still runs is killed by the keeper")
            self._abandoned.set()

    async def run(self) -> None:
        """The whole drain, from closing the poller to the last report; returns within the deadline and two graces.

        Hooks of runs that had to be killed get what is left of that, and are stopped in time for the report of how their runs ended.
        """
        self._poller.close()
        fail_point("draining")
        with anyio.move_on_after(self._drain_s + 2 * self._grace_s) as scope:
            await self._settle()
            await self._hand_back()
            await self._wait(max(0.0, scope.deadline - 3 * self._grace_s - anyio.current_time()), stop_early=self._hastened)
            await self._stop_rest()
            left = min(scope.deadline - anyio.current_time(), 2 * self._grace_s + REPORT_S)
            report_s = min(REPORT_S, self._grace_s / 2)
            self._lifecycle.late_hooks.leave_within(left - report_s, report_s)
            await self._wait(left, stop_early=self._abandoned)

    async def _settle(self) -> None:
        with anyio.move_on_after(5.0):
            try:
                await self._poller.settle()
            except ApiError as error:
                log.warning("The last claim could not be settled; its leases will end", error=str(error))

    async def _hand_back(self) -> None:
        for run in self._registry:
            if not run.ended and not run.began and run.claimed.start_in_s > 0:
                await self._lifecycle.stop(run, StopReason.REVOKED, self._grace_s)

    async def _stop_rest(self) -> None:
        left = [run for run in self._registry if not run.ended]
        if left:
            log.warning("Stopping runs that did not end in time", runs=len(left))
        for run in left:
            await self._lifecycle.stop(run, StopReason.DRAIN, self._grace_s)

    async def _wait(self, seconds: float, stop_early: anyio.Event) -> None:
        """Until no run is left, `stop_early`, or `seconds` are over."""
        if not len(self._registry):
            return
        log.info("Waiting for runs to end", runs=len(self._registry), at_most_s=round(seconds))
        with anyio.move_on_after(seconds):
            async with anyio.create_task_group() as group:

                async def until(wait: Callable[[], Awaitable[None]]) -> None:
                    await wait()
                    group.cancel_scope.cancel()

                group.start_soon(until, stop_early.wait)
                group.start_soon(until, self._registry.emptied)
