"""A simulated keeper with simulated children: what one host has besides its daemon. It outlives the daemon, not the host."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from flowhand.errors import LaunchError
from flowhand.execution.launcher import Event, Exit, Exited, Held, Progress, Sizes, Started, StopReason, Vanished
from flowhand.wire.job import NOT_BEGUN, YIELDS_TO_CANCEL, Job, key_of

from .child import Files, Script, cut
from .ledger import Body, Ledger
from .loop import Process
from .world import SimClock, World


class Ear(Protocol):
    """The daemon's launcher, as the keeper knows it."""

    def hear(self, event: Event) -> None:
        """News."""
        ...


@dataclass(slots=True, eq=False)
class Child:
    """One attempt's process."""

    key: str
    job: Job
    script: Script
    pid: int
    files: Files = field(default_factory=Files)
    kill_at: float | None = None
    stopped: StopReason | None = None
    killed: bool = False
    exit: Exit | None = None
    task: asyncio.Task[None] | None = None
    body: Body | None = None
    filed: bool = False
    """It calls the hooks of another's end, and has said so."""
    timers: list[asyncio.TimerHandle] = field(default_factory=list[asyncio.TimerHandle])
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """SIGTERM has come."""

    @property
    def late(self) -> bool:
        """Whether it calls the hooks of a run that was killed, and nothing else."""
        return "ended" in self.job

    @property
    def run_id(self) -> str:
        """Of the run that it is there for."""
        return run_of(self.job)

    def sizes(self) -> Sizes:
        """Of its files."""
        return Sizes(len(self.files.channel), len(self.files.stdout), len(self.files.stderr))


def run_of(job: Job) -> str:
    """The run that a job is for; another than its own when it is there for the hooks alone."""
    return job["ended"]["run_id"] if "ended" in job else job["run_id"]


class SimKeeper:
    """Holds children, enforces their deadlines, remembers how they ended."""

    def __init__(self, world: World, host: Process, name: str, clock: SimClock, ledger: Ledger) -> None:
        self._world = world
        self._host = host
        self._name = name
        self._clock = clock
        self._ledger = ledger
        self._pids = 100
        self.children: dict[str, Child] = {}
        self.lost: dict[str, Files] = {}
        """Files of attempts whose keeper was killed."""
        self.permits: set[str] = set()
        """Of those, the ones that had surely not begun."""
        self.ear: Ear | None = None
        self.files_late_hooks = True
        """Whether it files that hooks are called before it acknowledges that; a fault that is planted has it forget."""

    # --- operations

    def start(self, job: Job, kill_at: float | None) -> Started:
        """START: idempotent by key."""
        key = key_of(job["run_id"], job["attempt"])
        child = self.children.get(key)
        if child is None:
            if key in self.lost:
                raise LaunchError(f"files of an earlier process of {key} are still here")
            self._pids += 1
            child = self.children[key] = Child(key, job, self._ledger.scripts[run_of(job)], self._pids)
            child.task = self._host.spawn(self._live(child), key)
            self.extend({key: kill_at})
        return Started(key, child.pid, None)

    def held(self) -> list[Held]:
        """LIST."""
        return [Held(child.key, child.pid, child.sizes(), child.exit) for child in self.children.values()]

    def extend(self, kill_at: Mapping[str, float | None]) -> None:
        """DEADLINE."""
        for key, when in kill_at.items():
            child = self.children.get(key)
            if child is None or child.exit is not None:
                continue
            child.kill_at = when
            if when is not None:
                self._watch(child, when)

    def stop(self, key: str, reason: StopReason, grace_s: float) -> None:
        """KILL: asks, and kills after the grace."""
        child = self.children.get(key)
        if child is None or child.exit is not None or (reason is StopReason.REVOKED and child.body is not None):
            return
        if child.stopped is None or (reason is StopReason.CANCEL and child.stopped in YIELDS_TO_CANCEL):
            child.stopped = reason
        if grace_s <= 0:
            self._kill(child)
            return
        child.asked.set()
        child.timers.append(self._host.call_later(grace_s, self._kill, child))

    def forget(self, key: str) -> None:
        """FORGET."""
        self.lost.pop(key, None)
        self.permits.discard(key)
        child = self.children.get(key)
        if child is not None:
            if child.exit is None:
                assert child.late, "only what has ended is forgotten"
                self._end(child, None, 9, tell=False)
            del self.children[key]

    def file(self, key: str) -> Files | None:
        """The files of an attempt, as long as they are there."""
        child = self.children.get(key)
        return child.files if child else self.lost.get(key)

    # --- being killed

    def die(self, why: str) -> None:
        """SIGKILL for the keeper: its children die with it, their files stay. The daemon, if there is one, sees the connection break."""
        lost: list[str] = []
        for child in list(self.children.values()):
            if child.exit is None:
                self._end(child, None, 9, tell=False)
                lost.append(child.key)
                self.lost[child.key] = child.files
                if child.body is None and not child.late:
                    self.permits.add(child.key)
                del self.children[child.key]
        self._world.note(self._name, f"keeper killed with {len(lost)} children")
        if lost and self.ear is not None:
            self.ear.hear(Vanished(lost, why))

    def crash(self) -> None:
        """Power is gone: of each file, what was written last may be lost."""
        for child in list(self.children.values()):
            if child.exit is None:
                self._end(child, None, 9, tell=False)
            self._ledger.attempt(child.run_id, child.job["attempt"]).files_lost = True
            cut(child.files, self._world.random)
            self.lost[child.key] = child.files
        self.children.clear()
        self.permits.clear()
        self.ear = None

    # --- a child's life

    async def _live(self, child: Child) -> None:
        job, script = child.job, child.script
        await asyncio.sleep(script.load_s)
        if child.late:
            await self._call_hooks_late(child)
            return
        self._say(child, {"k": "loaded", "flow_version": None})
        start_at = job["start_at"]
        if start_at is not None:
            await self._sleep(child, max(0.0, start_at - self._clock.boottime()))
        if child.asked.is_set():
            self._end(child, 143, None)
            return
        if job["lease_until"] is not None and self._clock.boottime() >= job["lease_until"]:
            self._end(child, NOT_BEGUN, None)
            return
        await self._perform(child, job, script)

    async def _perform(self, child: Child, job: Job, script: Script) -> None:
        child.body = self._ledger.began(job["run_id"], job["attempt"], self._name)
        self._say(
            child,
            {
                "k": "running",
                "t": self._clock.now_us(),
                "retries": script.retries,
                "retry_delay_s": script.retry_delay_s,
                "timeout_s": None,
                "hooks": [] if script.hooks_s is None else ["on_crashed", "on_failure", "on_cancellation"],
            },
        )
        steps = max(1, script.lines)
        for number in range(steps):
            if number < script.lines:
                self._log(child, number)
            if await self._sleep(child, script.body_s / steps) and not script.deaf:
                await asyncio.sleep(script.cleanup_s)
                await self._stopped(child)
                return
        await self._finish(child, job, script)

    async def _sleep(self, child: Child, seconds: float) -> bool:
        """Whether SIGTERM came meanwhile."""
        if child.asked.is_set():
            if child.script.deaf:
                await asyncio.sleep(seconds)
            return True
        try:
            async with asyncio.timeout(seconds):
                await child.asked.wait()
        except TimeoutError:
            return False
        return True

    async def _call_hooks_late(self, child: Child) -> None:
        """Hooks of a run whose process was killed: begun when the keeper has it on the disk."""
        self._say(child, {"k": "late_hooks"} if self.files_late_hooks else {"k": "acknowledged and not filed"})
        child.filed = True
        await asyncio.sleep(0.001)
        run_id, attempt = child.run_id, child.job["attempt"]
        self._ledger.hooks_begin(run_id, attempt, self._name)
        for number in range(2):
            text = self._ledger.line(run_id, attempt, "hook", number)
            self._say(child, {"k": "log", "t": self._clock.now_us(), "l": 20, "n": "flow", "m": text})
            await asyncio.sleep((child.script.hooks_s or 0.0) / 2)
        self._end(child, 0, None)

    async def _call_own_hooks(self, child: Child) -> None:
        if child.script.hooks_s is not None:
            self._say(child, {"k": "hooks"})
            self._ledger.hooks_begin(child.run_id, child.job["attempt"], self._name)
            await asyncio.sleep(child.script.hooks_s / 4)

    async def _finish(self, child: Child, job: Job, script: Script) -> None:
        attempt = self._ledger.attempt(job["run_id"], job["attempt"])
        if self._ledger.fails(job["run_id"], script.failures) or script.end == "failed":
            attempt.tried_again = job["run_count"] <= script.retries
            if not attempt.tried_again:
                await self._call_own_hooks(child)
            self._last_word(child, "FAILED")
        elif script.end == "completed":
            await self._call_own_hooks(child)
            self._last_word(child, "COMPLETED")
        else:
            attempt.ended = "CRASHED"
            self._end(child, 0 if script.end == "mute" else None, None if script.end == "mute" else 11)

    async def _stopped(self, child: Child) -> None:
        """What the child program does when it was asked to end: a cancel it says itself, the rest is the daemon's to tell."""
        if child.stopped is StopReason.CANCEL:
            await self._call_own_hooks(child)
            self._last_word(child, "CANCELLED")
        else:
            self._end(child, 143, None)

    def _last_word(self, child: Child, kind: str) -> None:
        self._ledger.attempt(child.job["run_id"], child.job["attempt"]).ended = kind
        self._say(child, {"k": "end", "type": kind, "name": None, "message": None, "data": None, "error": None})
        self._end(child, 0, None)

    def _log(self, child: Child, number: int) -> None:
        printed = number % 3 == 2
        text = self._ledger.line(child.job["run_id"], child.job["attempt"], "stdout" if printed else "channel", number)
        if printed:
            child.files.stdout += text.encode() + b"\n"
            self._grown(child)
        else:
            self._say(child, {"k": "log", "t": self._clock.now_us(), "l": 20, "n": "flow", "m": text})

    def _say(self, child: Child, body: dict[str, Any]) -> None:
        child.files.frame(child.pid, body)
        self._grown(child)

    def _grown(self, child: Child) -> None:
        if self.ear is not None:
            self.ear.hear(Progress(child.key, child.sizes()))

    # --- its end

    def _watch(self, child: Child, when: float) -> None:
        child.timers.append(self._host.call_later(max(0.0, when - self._clock.boottime()), self._due, child))

    def _due(self, child: Child) -> None:
        if child.exit is None and child.kill_at is not None and self._clock.boottime() >= child.kill_at - 1e-9:
            child.stopped = child.stopped or StopReason.LEASE
            self._kill(child)

    def _kill(self, child: Child) -> None:
        if child.exit is None:
            child.killed = True
            self._end(child, None, 9)

    def _end(self, child: Child, code: int | None, number: int | None, *, tell: bool = True) -> None:
        for timer in child.timers:
            timer.cancel()
        page = self._ledger.attempt(child.run_id, child.job["attempt"])
        if child.body is not None:
            self._ledger.left(child.body)
        if child.body is not None or child.filed:
            self._ledger.hooks_over(child.run_id, child.job["attempt"])
        page.hooks_cut = page.hooks_cut or (child.filed and not page.hooks)
        if child.task is not None and child.task is not asyncio.current_task():
            child.task.cancel()
        if child.stopped is StopReason.LEASE and not child.late:
            page.fenced = True
        child.exit = Exit(code, number, child.sizes(), 0.1, 1 << 20, 1.0, stopped=child.stopped, killed=child.killed)
        self._world.note(self._name, f"child {child.key} left: code {code} signal {number} stopped {child.stopped}")
        if tell and self.ear is not None:
            self.ear.hear(Exited(child.key, child.exit))
