"""The daemon, composed: the only file that builds everything.

Poller ──claimed──► Lifecycle ──start──► Launcher (keeper) ──► child
   ▲                   ▲  │                   │
   └──── Registry ─────┘  └──mark──► Reporter ◄── files (Follower)
                                        │
Heartbeat ──renewals──► Backend ◄──reports──┘
"""

from __future__ import annotations

import os
import random
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import structlog
from anyio.abc import TaskGroup

from flowhand.backends.backend import Backend
from flowhand.client.identity import flowhand_version
from flowhand.clock import Clock
from flowhand.daemon.backoff import Backoff
from flowhand.daemon.collecting import collect_storage
from flowhand.daemon.disk_gate import no_room
from flowhand.daemon.drain import Drain
from flowhand.daemon.echo import Echo
from flowhand.daemon.handback import HandBack, never_started
from flowhand.daemon.health import Health, serve_health
from flowhand.daemon.heartbeat import Heartbeat
from flowhand.daemon.instance import Instance, Stamp, identity_of_host
from flowhand.daemon.jobs import Place
from flowhand.daemon.journal import Journal
from flowhand.daemon.lingering import Lingering
from flowhand.daemon.masking import Masking
from flowhand.daemon.options import Plan
from flowhand.daemon.patience import Patience
from flowhand.daemon.poller import Poller
from flowhand.daemon.recovery import Recovered, recover
from flowhand.daemon.references import Ask
from flowhand.daemon.registry import Registry
from flowhand.daemon.reporter import Reporter
from flowhand.daemon.run_lifecycle import Lifecycle
from flowhand.daemon.sd_notify import Notifier
from flowhand.daemon.session import Session
from flowhand.execution.launcher import Launcher
from flowhand.redaction import Redactor
from flowhand.settings import Settings
from flowhand.wire.runner import Lease, SessionReply, SessionRequest

log = structlog.get_logger("flowhand.daemon")


class Leave(Enum):
    """How the daemon was asked to leave."""

    DRAINED = auto()
    HANDED_OVER = auto()
    """SIGUSR1: without a drain; the next daemon adopts what runs."""
    RENEWED = auto()
    """SIGHUP: without a drain, to be executed anew in the same process."""


def catch_signals() -> AbstractContextManager[AsyncIterator[signal.Signals]]:
    """The signals that ask this process to leave, in the order in which they come."""
    return anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP)


@dataclass(slots=True)
class Parts:
    """What is handed in: everything that touches the outside. What has a default is the machine's own."""

    plan: Plan
    instance: Instance
    backend: Backend
    launcher: Launcher
    clock: Clock
    place: Place
    api_url: str
    signals: Callable[[], AbstractContextManager[AsyncIterator[signal.Signals]]] = catch_signals
    no_room: Callable[[Path], str | None] = no_room
    offload: Callable[[Callable[[], None]], Awaitable[None]] = anyio.to_thread.run_sync
    """Runs what blocks on the disk."""
    identity: Callable[[], dict[str, Any]] = identity_of_host
    secrets: tuple[str, ...] = ()
    """Our own credentials, masked wherever a run may say them."""
    ask: Ask | None = None
    """Has an errand run at the API, for what job variables refer to."""
    upkeep: Callable[[Settings], Coroutine[Any, Any, None]] = collect_storage
    """Keeps what runs share in order, until it is cancelled."""
    draw: random.Random = field(default_factory=random.SystemRandom)
    """Where jitter comes from."""


class Daemon:
    """One worker or runner, from its session to its last word."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        plan, clock = parts.plan, parts.clock
        settings = plan.settings
        self._journal = Journal(parts.instance.journal_path)
        self._registry = Registry(plan.limit)
        host = parts.identity()
        self._previous = parts.instance.stamp()
        request = SessionRequest(
            kind="serve" if plan.kind == "serve" else "worker",
            name=plan.name,
            version=flowhand_version(),
            host=socket.gethostname(),
            pid=os.getpid(),
            work_pool=plan.work_pool,
            work_queues=plan.work_queues,
            deployments=plan.deployments,
            slots=plan.limit,
            heartbeat_s=settings.worker_heartbeat,
        )
        stamp = Stamp(api_url=parts.api_url, server_id="", session="", secret="", cwd=str(plan.cwd), **host)
        self._host = host
        backoff = partial(Backoff, draw=parts.draw)
        # runs of a daemon before us wait for their leases to be renewed: asked for as often as they would be
        opening = partial(backoff, most_s=settings.worker_heartbeat)
        self._session = Session(parts.backend, request, parts.instance, stamp, opening)
        echo = Echo(plan.echo, settings.log_format)
        masking = Masking(Redactor(parts.secrets))
        self._handback = HandBack(parts.backend, self._session, backoff)
        self._lifecycle = Lifecycle(
            self._handback,
            self._session,
            parts.launcher,
            self._registry,
            self._journal,
            clock,
            parts.place,
            settings.worker_grace,
            settings.worker_hooks,
            echo,
            masking,
        )
        self._reporter = Reporter(
            parts.backend,
            self._session,
            self._registry,
            self._journal,
            self._lifecycle,
            self._lifecycle.obey,
            clock,
            parts.instance.directory / "dead-letters.jsonl",
            masking,
            backoff,
            parts.offload,
        )
        self._lifecycle.mark = self._reporter.mark
        self._lifecycle.ask = parts.ask or self._lifecycle.ask
        self._lifecycle.no_room = partial(parts.no_room, parts.instance.directory)  # it may have filled up while a claim waited
        self._poller = Poller(
            parts.backend,
            self._session,
            self._registry,
            clock,
            self._lifecycle.accept,
            self._lifecycle.obey,
            plan.prefetch_s,
            Patience(plan.poll_s, clock.monotonic, parts.draw),
            backoff,
        )
        self._poller.gate = self._no_room
        self._heartbeat = Heartbeat(
            parts.backend, self._session, self._registry, parts.launcher, clock, self._lifecycle.fence, self._lifecycle.obey
        )
        self._lingering = Lingering(self._registry, clock, self._lifecycle.stop, self._lifecycle.note, settings.worker_grace)
        self._drain = Drain(self._poller, self._lifecycle, self._registry, clock, settings.worker_drain, settings.worker_grace)
        self._lifecycle.on_drain = self._drain_once
        self._notifier = Notifier(os.environ)
        self._leave = Leave.DRAINED

    @property
    def session(self) -> Session:
        """The daemon's session, open once `ready` was called."""
        return self._session

    async def run(self, ready: anyio.Event) -> Leave:
        """Runs until it is asked to leave; sets `ready` when it claims. Raises what waiting would not mend."""
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._signals, group.cancel_scope)
                await self._open(group)
                self._start_loops(group)
                ready.set()
                self._notifier.ready(f"serving {self._parts.plan.work_pool or self._parts.plan.name}")
                await self._work()
                if self._leave is Leave.DRAINED:
                    await self._drained()
                group.cancel_scope.cancel()
            await self._let_go()
        finally:
            self._journal.close()
        return self._leave

    async def _open(self, group: TaskGroup) -> None:
        """Session, launcher, and what a daemon before us left behind."""
        self._say_whose_home_it_was()
        held = await self._parts.launcher.open()
        reply, another = await self._session.open(self._previous)
        if another:
            self._set_aside()
        found = await recover(self._journal, self._parts.launcher, held, self._registry, self._parts.clock)
        self._lifecycle.late_hooks.found(found.hooks)
        self._renew_found(found, reply.leases)
        if found.anything:
            log.info(
                "Found runs of the daemon before", adopted=len(found.adopted), ended=len(found.ended), handed_back=len(found.unstarted)
            )
        for run in (*found.adopted, *found.ended):
            self._reporter.mark(run)
        if found.unstarted:
            group.start_soon(self._lifecycle.hand_back, found.unstarted)
        self._session.on_reopened = partial(self._disown, group)
        if self._previous is not None and self._previous.boot_id == self._host["boot_id"]:  # a crash of the host may have torn the journal
            self._disown(group, reply)

    def _disown(self, group: TaskGroup, reply: SessionReply) -> None:
        """Gives back what the server believes is ours and is not."""
        attempts = never_started(reply.leases, self._registry)
        if attempts:
            log.info("Handing back runs of a lost answer", runs=len(attempts))
            group.start_soon(self._handback.release, attempts, "the answer that gave it to a worker was lost")

    def _no_room(self) -> str | None:
        """Why nothing may be claimed, for want of room on the disk. Where there is room, some of it is set aside for the next full disk."""
        reason = self._parts.no_room(self._parts.instance.directory)
        if reason is None:
            self._journal.set_room_aside()
        return reason

    def _say_whose_home_it_was(self) -> None:
        """What a person should know of the home before anything in it is acted upon."""
        if self._journal.torn:
            log.warning(
                "The end of the journal was not written whole, as when a host crashes; it is cut off, and what stands before it is kept. "
                "Nothing is to be done",
                bytes=self._journal.torn,
                file=str(self._parts.instance.journal_path),
            )
        machine = self._previous.machine_id if self._previous is not None else ""
        if machine and machine != self._host["machine_id"]:
            log.warning(
                "This home was last used on another machine; what still runs there is taken for lost. If that machine uses it still, give "
                "each a home of its own (FLOWHAND_HOME)",
                machine=machine,
                home=str(self._parts.plan.settings.home),
            )

    def _set_aside(self) -> None:
        """The journal speaks of another server's runs: it is kept under another name and not replayed."""
        assert self._previous is not None, "only a stamp can speak of another server"
        aside = self._journal.set_aside(self._previous.server_id)
        log.warning(
            "The API is another server or database than last time: what the old one was not told is set aside. Delete the file if that one "
            "is gone for good, or let the worker speak to it again (FLOWHAND_API_URL)",
            file=str(aside),
            api=self._parts.api_url,
        )

    def _renew_found(self, found: Recovered, leases: list[Lease]) -> None:
        now = self._parts.clock.boottime()
        expiry = {(lease.run_id, lease.attempt): now + lease.expires_in_s for lease in leases}
        for run in (*found.adopted, *found.ended):
            run.lease_until = expiry.get((run.claimed.run_id, run.claimed.attempt), run.lease_until)

    def _start_loops(self, group: TaskGroup) -> None:
        self._lifecycle.spawn = lambda step, run: group.start_soon(step, run)
        group.start_soon(self._lifecycle.follow)
        group.start_soon(self._reporter.run)
        group.start_soon(self._heartbeat.run)
        group.start_soon(self._lingering.run)
        group.start_soon(self._watch)
        group.start_soon(self._parts.upkeep, self._parts.plan.settings)
        if self._parts.plan.tells_health:
            settings = self._parts.plan.settings
            health = Health(self._poller, self._registry, self._reporter, self._journal, self._parts.clock)
            group.start_soon(serve_health, health, settings.worker_webserver_host, settings.worker_webserver_port)

    async def _work(self) -> None:
        """Claims until a drain begins or we are to hand over."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._poller.run)
            if self._parts.plan.run_once:
                group.start_soon(self._run_once)
            await self._drain.begun.wait()
            self._poller.close()

    async def _run_once(self) -> None:
        """`--run-once`: leaves when what was due at the start has ended."""
        await self._poller.first_answer.wait()
        await self._registry.emptied()
        self._drain.begin()

    async def _drained(self) -> None:
        """The drain, while all loops still turn."""
        self._notifier.stopping(self._parts.plan.settings.worker_drain + 2 * self._parts.plan.settings.worker_grace)
        await self._drain.run()
        with anyio.move_on_after(5.0):
            await self._session.close()

    async def _let_go(self) -> None:
        """Once no loop turns any more: of the keeper for good after a drain, else for the next daemon to adopt."""
        if self._leave is not Leave.DRAINED:
            await self._parts.offload(self._journal.sync)
        await self._parts.launcher.close(dismiss=self._leave is Leave.DRAINED)

    async def _watch(self) -> None:
        """Feeds systemd's watchdog, but only while claims go round."""
        period = self._notifier.watchdog_s
        if period is None:
            return
        while True:
            if self._parts.clock.monotonic() - self._poller.last_success < 60:
                self._notifier.watchdog()
            await anyio.sleep(period / 3)

    async def _signals(self, scope: anyio.CancelScope) -> None:
        with self._parts.signals() as received:
            async for number in received:
                if number == signal.SIGHUP and not await self._importable():
                    continue
                self._signalled(number)
                if not self._session.contact.is_set():
                    scope.cancel()  # nothing was claimed yet: there is nothing to drain

    def _signalled(self, number: signal.Signals) -> None:
        if number == signal.SIGHUP:
            self._leave = Leave.RENEWED
            log.info("Starting anew; what runs goes on and is adopted")
        elif number == signal.SIGUSR1:
            self._leave = Leave.HANDED_OVER
            log.info("Leaving without a drain; the next daemon adopts what runs")
        elif not self._drain.begun.is_set():
            log.info("Draining", signal=number.name, runs=len(self._registry))
        self._drain.begin()

    async def _importable(self) -> bool:
        """Whether the program that would take our place can be imported; when not, we stay."""
        check = await anyio.run_process([sys.executable, "-c", "import flowhand.daemon.program"], check=False)
        if check.returncode != 0:
            words = check.stderr.decode(errors="replace").strip().splitlines()
            log.error("Not starting anew: the new program cannot be imported", why=words[-1] if words else f"status {check.returncode}")
        return check.returncode == 0

    def _drain_once(self) -> None:
        if not self._drain.begun.is_set():
            log.info("The server asks us to drain")
            self._drain.begin()
