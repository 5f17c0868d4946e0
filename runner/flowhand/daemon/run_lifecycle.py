"""The life of a run in the daemon: accepted, prepared, started, followed, ended, reported, forgotten.

Each step is small; whatever goes wrong with one run becomes that run's state and never reaches another.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final

import structlog

from flowhand.client.call import Errand
from flowhand.clock import Clock
from flowhand.daemon.blocks_say import over_infrastructure, with_storage
from flowhand.daemon.deadline import kill_at
from flowhand.daemon.echo import Echo
from flowhand.daemon.end_table import Outcome
from flowhand.daemon.follower import Follower
from flowhand.daemon.handback import HandBack
from flowhand.daemon.jobs import Place, configuration, make_job
from flowhand.daemon.journal import Journal, JournalFull
from flowhand.daemon.late_hooks import LateHooks
from flowhand.daemon.masking import Masking
from flowhand.daemon.notes import INFO, note
from flowhand.daemon.reading_ahead import read_ahead
from flowhand.daemon.references import Ask, resolved
from flowhand.daemon.registry import Registry
from flowhand.daemon.run import Run
from flowhand.daemon.session import Session
from flowhand.errors import ApiUnavailable, KeeperError, LaunchError, StartUnsure
from flowhand.execution.launcher import EVERYTHING, Event, Exited, Launcher, Progress, StopReason, Vanished
from flowhand.failpoints import fail_point
from flowhand.wire.job import YIELDS_TO_CANCEL, Job, key_of
from flowhand.wire.runner import Attempt, ClaimedRun, LogBatch, Orders, Refusal, RetryHere, StateResult
from flowhand.wire.states import StateType

log = structlog.get_logger("flowhand.daemon")

LOGGER: Final = "flowhand.flow_runs.worker"


class Lifecycle:
    """Carries every run of the daemon through its life. `mark` and `spawn` are handed in by the composition."""

    def __init__(
        self,
        handback: HandBack,
        session: Session,
        launcher: Launcher,
        registry: Registry,
        journal: Journal,
        clock: Clock,
        place: Place,
        grace_s: float,
        hooks_s: float,
        echo: Echo,
        masking: Masking,
    ) -> None:
        self._handback = handback
        self._session = session
        self._launcher = launcher
        self._registry = registry
        self._journal = journal
        self._clock = clock
        self._place = place
        self._grace_s = grace_s
        self._echo = echo
        self.late_hooks: Final = LateHooks(launcher, journal, clock, self._job, hooks_s, masking, self._lease_ends)
        """Calls the hooks of runs that were killed."""
        self.mark: Callable[[Run], None] = lambda _run: None
        """Tells the reporter; set once by the composition, which breaks the circle between the two."""
        self.spawn: Callable[[Callable[[Run], Coroutine[Any, Any, None]], Run], object] = _nowhere
        """Starts a task beside us; set once the daemon's task group is open."""
        self.ask: Ask = _nobody
        """Has an errand run at the API, for what job variables refer to; set once by the composition."""
        self.on_drain: Callable[[], None] = lambda: None
        """The server wants us to drain."""
        self.no_room: Callable[[], str | None] = lambda: None
        """Why no run can be begun here, in words; set once by the composition."""

    # --- in -------------------------------------------------------------------------------------------------------------------------

    async def accept(self, claimed: ClaimedRun, sent_at: float) -> None:
        """A claimed run: journaled, then started in a task of its own, so that the runs of one answer start side by side.

        One that is known already (an answer that came twice) only renews its lease.
        """
        key = key_of(claimed.run_id, claimed.attempt)
        lease_until = sent_at + claimed.lease_s
        known = self._registry.get(key)
        if known is not None:
            known.lease_until = lease_until
            return
        run = Run(claimed, Follower(key, self._launcher), lease_until)
        self._registry.add(run)
        why = self.no_room() or self._journaled(run)
        if why is not None:
            log.error("A run is handed back", run=run.title, why=why)
            run.ended = True
            self.spawn(self._decline, run)
            return
        fail_point("claimed")
        self.spawn(self._start, run)

    def _journaled(self, run: Run) -> str | None:
        """None, or why its claim cannot be noted."""
        try:
            self._journal.claimed(run.key, run.claimed, run.lease_until)
        except JournalFull as error:
            return str(error)
        return None

    async def _decline(self, run: Run) -> None:
        await self.hand_back([run])

    async def _start(self, run: Run) -> None:
        fail_point("preparing")
        try:
            job = await self._job(run)
            started = await self._launcher.start(job, kill_at(run, self._session.reply, self._clock))
        except StartUnsure as error:
            log.warning("Whether a run was started is not known yet", run=run.title, why=str(error))
            return
        except LaunchError as error:
            self._failed_to_start(run, str(error))
            return
        except ApiUnavailable as error:  # what its job refers to is not known; whoever gets it next asks again
            log.warning("A run is handed back", run=run.title, why=str(error))
            run.ended = True
            await self.hand_back([run])
            return
        fail_point("started")
        run.pid, run.started = started.pid, True
        self._journal.started(run.key)
        if started.spawned:
            self.note(run, f"Started in a fresh interpreter: {started.spawned}")
        log.info("Started", run=run.title, attempt=run.claimed.attempt, pid=run.pid)
        if run.stopping is not None:  # asked for before there was anything to stop
            await self._launcher.stop(run.key, run.stopping, 0.0 if run.silenced else self._grace_s)

    def _failed_to_start(self, run: Run, message: str) -> None:
        log.error("A run could not be started", run=run.title, why=message)
        self._journal.final(run.key, run.fail_to_start(message, self._clock.now_us()))
        self.mark(run)

    async def _job(self, run: Run) -> Job:
        claimed = await with_storage(run.claimed, self.ask)
        config, secrets = await resolved(configuration(claimed, self._place), self.ask)
        config = await over_infrastructure(config, claimed, self.ask)
        if secrets:
            run.secrets.add(secrets)
        start_at = self._clock.boottime() + claimed.start_in_s if claimed.start_in_s > 0 else None
        margin = self._session.reply.margin_s
        return make_job(
            claimed,
            self._place,
            start_at=start_at,
            lease_until=run.lease_until - margin,
            redelivered=claimed.interruptions > 0,
            config=config,
            secrets=secrets,
        )

    def _lease_ends(self, run: Run) -> float:
        return kill_at(run, self._session.reply, self._clock)

    def note(self, run: Run, message: str, level: int = INFO) -> None:
        """A line of the daemon's own in the run's log, journaled so that it is said exactly once."""
        note(self._journal, run, self._clock.now_us(), level, LOGGER, message)
        self.mark(run)

    # --- what the launcher says -----------------------------------------------------------------------------------------------------

    async def follow(self) -> None:
        """Takes the launcher's news until it is closed."""
        async for event in self._launcher.events():
            await self._hear(event)

    async def _hear(self, event: Event) -> None:
        if isinstance(event, Progress):
            run = self._registry.get(event.key)
            if run is not None:
                run.follower.grown(event.sizes, self._clock.now_us())
                self.mark(run)
        elif await self.late_hooks.heard(event):
            pass
        elif isinstance(event, Exited):
            await self._exited(event)
        else:
            await self._vanished(event)

    async def _exited(self, event: Exited) -> None:
        run = self._registry.get(event.key)
        if run is None:
            await self._launcher.forget(event.key)
            return
        run.exit, run.ended = event.exit, True
        run.follower.grown(event.exit.sizes, self._clock.now_us())
        self.mark(run)

    async def _vanished(self, event: Vanished) -> None:
        for key in event.keys:
            run = self._registry.get(key)
            if run is None:
                await self._launcher.forget(key)
                continue
            if run.ended:
                continue
            run.why, run.ended, run.unbegun = event.why, True, self._launcher.unbegun(key)
            run.follower.grown(EVERYTHING, self._clock.now_us())
            self.mark(run)

    # --- what the server says -------------------------------------------------------------------------------------------------------

    async def obey(self, orders: Orders) -> None:
        """Orders are repeated until they are done, so each is only begun once."""
        for run_id, attempt in orders.cancel:
            await self._order(key_of(run_id, attempt), StopReason.CANCEL)
        for run_id, attempt in orders.revoke:
            await self._order(key_of(run_id, attempt), StopReason.REVOKED)
        if orders.drain:
            self.on_drain()

    async def _order(self, key: str, reason: StopReason) -> None:
        run = self._registry.get(key)
        if run is None or run.ended or run.silenced:
            return
        if run.stopping is not None and (reason is not StopReason.CANCEL or run.stopping not in YIELDS_TO_CANCEL):
            return
        if reason is StopReason.REVOKED and run.began:
            return
        log.info("Cancelling" if reason is StopReason.CANCEL else "Handing back", run=run.title)
        await self.stop(run, reason, self._grace_s)

    async def stop(self, run: Run, reason: StopReason, grace_s: float) -> None:
        """Stops a run's process; its end comes by itself. One that is being cancelled is cancelled, whatever else stops it meanwhile."""
        before = run.stopping
        run.stopping = StopReason.CANCEL if before is StopReason.CANCEL else reason
        try:
            await self._launcher.stop(run.key, reason, grace_s)
        except KeeperError as error:  # the order comes again, or the deadline ends it
            run.stopping = before
            log.warning("The keeper does not answer; the run could not be stopped yet", run=run.title, error=str(error))

    async def fence(self, run: Run, refusal: Refusal) -> None:
        """The attempt is not ours any more: its process is killed, and of what it has said only the lines are reported."""
        log.warning("The server gave this run to another or ended it; stopping it here", run=run.title, reason=refusal.reason)
        run.silenced = True
        if run.ended:
            self.mark(run)
        else:
            await self.stop(run, StopReason.FENCED, 0.0)

    # --- the reporter's handler -----------------------------------------------------------------------------------------------------

    def calls_hooks(self, run: Run) -> bool:
        """Whether they have to be called first; begun once, in a task of its own."""
        outcome = run.owes_hooks()
        if outcome is not None and not run.hooks_asked:
            run.hooks_asked = True
            self.spawn(partial(self._call_hooks, outcome), run)
        return outcome is not None

    def unheard(self, run: Run) -> None:
        """The API is away, and there are hooks that need not wait for it. Under `retry` they do: a lease that ends meanwhile has the run
        begun again, and no hook hears of that."""
        said_so = run.exit is not None and run.exit.code == 0
        if run.ended and not (run.read_ahead or run.silenced or said_so) and run.claimed.crash_policy != "retry" and run.final is None:
            run.read_ahead = True
            self.spawn(self._call_hooks_ahead, run)

    async def _call_hooks_ahead(self, run: Run) -> None:
        outcome = (await read_ahead(run, self._launcher)).owes_hooks()
        if outcome is not None and not (run.hooks_asked or run.silenced) and self._registry.get(run.key) is run:
            run.hooks_asked = True
            await self._call_hooks(outcome, run)

    async def _call_hooks(self, outcome: Outcome, run: Run) -> None:
        await self.late_hooks.call(run, outcome)
        self.mark(run)

    def heard(self, run: Run, batch: LogBatch) -> None:
        """Shows the lines on our own terminal as well."""
        self._echo.show(run, batch)

    async def refused(self, run: Run, refusal: Refusal) -> None:
        """A fenced attempt."""
        if not run.silenced:
            await self.fence(run, refusal)

    async def let_go(self, run: Run) -> None:
        """A fenced attempt of which everything is said."""
        await self._forget(run)

    async def stored(self, run: Run, result: StateResult) -> None:
        """The final state is on the server's disk: forget the attempt, or begin the next one right here."""
        log.info("Ended", run=run.title, state=result.name or result.type)
        if result.retry_here is not None and result.type == StateType.SCHEDULED:
            await self._retry(run, result.retry_here)  # before the old attempt leaves, so that its slot is never free between
        await self._forget(run)

    async def _retry(self, run: Run, again: RetryHere) -> None:
        log.info("Trying again", run=run.title, attempt=again.attempt, in_s=round(again.start_in_s, 2))
        claimed = run.claimed.model_copy(update={"attempt": again.attempt, "run_count": again.run_count, "start_in_s": again.start_in_s})
        lease_s = max(run.lease_until - self._clock.boottime(), 0.0)
        claimed.lease_s = max(lease_s, self._session.reply.lease_s)
        await self.accept(claimed, self._clock.boottime())

    async def hand_back(self, runs: list[Run]) -> None:
        """Gives runs back to Scheduled: what has not begun with its own time, what was interrupted to be begun again at once."""
        attempts: dict[str | None, list[Attempt]] = {}
        for run in runs:
            if not run.silenced:
                attempts.setdefault(run.interruption, []).append((run.claimed.run_id, run.claimed.attempt))
        for why, those in attempts.items():
            await self._handback.release(those, why or "handed back before it began", interrupted=why is not None)
        for run in runs:
            await self._forget(run)

    async def _forget(self, run: Run) -> None:
        await self._launcher.forget(run.key)
        await self.late_hooks.forget(run)
        self._journal.done(run.key)
        self._registry.remove(run)


async def _nobody(errand: Errand[Any]) -> Any:
    errand.close()
    raise LaunchError("the job variables refer to blocks or variables, and there is no API to ask here")


def _nowhere(_step: Callable[[Run], Coroutine[Any, Any, None]], run: Run) -> None:
    raise AssertionError(f"{run.key} was accepted before the daemon's loops began")
