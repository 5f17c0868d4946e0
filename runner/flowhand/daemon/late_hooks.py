"""Hooks of runs whose process was killed before it could call them: called in a fresh child of the keeper, then the run's end is reported.

Once, whoever is killed: the child is started under a key of its own, for which the keeper starts nothing twice; before the first hook is
called the keeper has that on the disk, so that no other keeper begins it again; and what the hooks say is noted in the journal line by
line, so that the next daemon goes on where this one stopped.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

import anyio
import anyio.lowlevel

from flowhand.clock import Clock
from flowhand.daemon.backoff import Backoff
from flowhand.daemon.containers import for_hooks
from flowhand.daemon.end_table import Outcome, how_it_left
from flowhand.daemon.follower import Follower, Frame
from flowhand.daemon.journal import Journal
from flowhand.daemon.masking import Masking
from flowhand.daemon.notes import INFO, WARNING, note
from flowhand.daemon.run import HOOKS, Run
from flowhand.errors import ApiUnavailable, KeeperError, LaunchError, StartUnsure
from flowhand.execution.launcher import EVERYTHING, Event, Exit, Exited, Held, Launcher, StopReason, Vanished
from flowhand.wire.job import Ended, Job, late_hooks_id, run_of_late_hooks

MOST_LINES: Final = 1_000
MOST_BYTES: Final = 1 << 18
READ_BYTES: Final = 1 << 20
LOGGER: Final = "flowhand.flow_runs.hooks"
LEASE_LOOKS_S: Final = 0.5
"""How often a lease that is over is looked at, until it is renewed."""
KILLED_WITHIN_S: Final = 1.0
"""In which a process is heard of that was killed since the daemon leaves; at most half of the time that is kept for reports."""
START_S: Final = 1.0
"""By how much less than their time hooks may have been there when that was over, since their process had to be started first."""
Line = tuple[int, int, str, str]
"""stamp in microseconds, level, logger's name, message"""


@dataclass(slots=True)
class _Call:
    """The hooks of one run, being called. `time` ends when the daemon must leave, `scope` when the run is not ours any more."""

    time: anyio.CancelScope
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    asked: bool = False
    """Their process may be there."""
    exited: anyio.Event = field(default_factory=anyio.Event)
    over: anyio.Event = field(default_factory=anyio.Event)


@dataclass(slots=True)
class _Told:
    """What a process of hooks has told, masked, as far as it is kept."""

    lines: list[Line] = field(default_factory=list[Line])
    frames: list[Frame] = field(default_factory=list[Frame])
    """Events and states of tasks, to be told as the run's own."""
    begun: bool = False
    """The first hook was called, or could have been."""
    end: str | None = None
    """Why none could be called, or not all."""
    container: str = ""
    """How their container ended."""
    left_out: int = 0


class LateHooks:
    """Of one daemon. `job` makes a run's job anew; `at_most_s`: seconds for all hooks of a run, loading the flow included, before they are
    killed; `lease_ends`: when a process of the run is killed whatever it does, in CLOCK_BOOTTIME seconds, unless its lease is renewed."""

    def __init__(
        self,
        launcher: Launcher,
        journal: Journal,
        clock: Clock,
        job: Callable[[Run], Awaitable[Job]],
        at_most_s: float,
        masking: Masking,
        lease_ends: Callable[[Run], float],
    ) -> None:
        self._launcher = launcher
        self._journal = journal
        self._clock = clock
        self._job = job
        self._at_most_s = at_most_s
        self._masking = masking
        self._lease_ends = lease_ends
        self._leave_at = math.inf
        self._killed_within_s = KILLED_WITHIN_S
        self._ends: dict[str, Exit | None] = {}
        """How processes of hooks ended; None: their keeper was killed."""
        self._adopted: set[str] = set()
        """Processes of hooks that a daemon before us has started."""
        self._calls: dict[str, _Call] = {}

    def found(self, held: Iterable[Held]) -> None:
        """What the launcher holds of a daemon before us; ends in there are not told again."""
        for one in held:
            if one.exit is None:
                self._adopted.add(one.key)
            else:
                self._ends[one.key] = one.exit

    async def heard(self, event: Event) -> bool:
        """Takes the launcher's news; whether they were of hooks alone. What is left of hooks whose run has gone is forgotten."""
        if isinstance(event, Exited) and run_of_late_hooks(event.key):
            await self._ended(event.key, event.exit)
            return True
        if isinstance(event, Vanished):
            for key in filter(run_of_late_hooks, list(event.keys)):
                event.keys.remove(key)  # its files stay, for they say whether the hooks were begun
                await self._ended(key, None)
        return False

    def leave_within(self, seconds: float, report_s: float) -> None:
        """The daemon leaves: hooks that have not ended in so many seconds are stopped, and of none more are begun. `report_s`: what is kept
        for reports after that."""
        self._leave_at = anyio.current_time() + seconds
        self._killed_within_s = min(KILLED_WITHIN_S, report_s / 2)
        for call in self._calls.values():
            call.time.deadline = self._leave_at

    async def call(self, run: Run, outcome: Outcome) -> None:
        """Has them called, or finds that they were, and notes what they said. Whatever goes wrong is a line in the run's log. Ends without
        a word when the run is forgotten meanwhile."""
        if run.silenced:
            return
        call = self._calls[run.hooks_key] = _Call(anyio.CancelScope(deadline=self._leave_at))
        try:
            with call.scope:
                await self._call(run, outcome, call)
        finally:
            del self._calls[run.hooks_key]
            call.over.set()

    async def forget(self, run: Run) -> None:
        """The files of what was called, once the run's end is stored or the run is not ours any more. A call that is under way is over
        first, so that nothing is begun or noted afterwards; its process is killed."""
        call = self._calls.get(run.hooks_key)
        if call is not None:
            call.scope.cancel()
            await call.over.wait()
        if self._said(run) or run.hooks_key in self._ends:  # the latter alone where a crash of the host has torn the journal
            self._ends.pop(run.hooks_key, None)
            await self._launcher.forget(run.hooks_key)

    # --- calling

    async def _call(self, run: Run, outcome: Outcome, call: _Call) -> None:
        assert outcome.type is not None, "what is handed back calls no hooks"
        said = self._said(run)
        if not said:
            self._note(run, self._line(f"Calling its {HOOKS[outcome.type]} hooks in another process: its own was killed", INFO))
        for line in (await self._called(run, outcome, call))[max(0, said - 1) :]:
            self._note(run, line)
        run.hooks_called = True

    async def _called(self, run: Run, outcome: Outcome, call: _Call) -> list[Line]:
        """What the hooks said, and what became of their process."""
        key = run.hooks_key
        try:
            with call.time:
                await self._until_ended(run, outcome, call)
            if call.time.cancelled_caught:
                if not call.asked:
                    return [self._line("The hooks were not called: the worker leaves")]
                with anyio.move_on_after(self._killed_within_s):
                    await self._launcher.stop(key, StopReason.DRAIN, 0.0)
                    await call.exited.wait()
        except (LaunchError, KeeperError) as error:
            if not (await self._read(run, None)).begun:
                return [self._line(f"The hooks could not be called: {error}")]
        exit_ = self._ends.pop(key, None)
        told = await self._read(run, exit_)
        run.late = told.frames
        lines = told.lines
        if told.left_out:
            lines.append(self._line(f"{told.left_out} more lines and events of the hooks are left out"))
        return lines + [self._line(words) for words in self._how_it_went(run, exit_, told, leaving=call.time.cancelled_caught)]

    async def _until_ended(self, run: Run, outcome: Outcome, call: _Call) -> None:
        """What a killed keeper has left of a process that had not begun with the hooks is forgotten, and another one is started."""
        key = run.hooks_key
        while True:
            if key not in self._ends:
                await self._start(run, outcome, call)
                await call.exited.wait()
            if self._ends[key] is not None or (await self._read(run, None)).begun:
                return
            del self._ends[key]
            call.asked, call.exited = False, anyio.Event()
            await self._launcher.forget(key)

    async def _start(self, run: Run, outcome: Outcome, call: _Call) -> None:
        job, backoff = None, Backoff()
        while job is None:
            try:
                job = await self._job(run)
            except ApiUnavailable as error:  # what its job refers to is not known; nor can the run's end be told as long as that is so
                await anyio.sleep(backoff.next(error.retry_after))
        if "container" in job:
            job["container"] = for_hooks(job["container"])
        job["ended"] = Ended(run_id=job["run_id"], type=str(outcome.type), name=outcome.name, message=outcome.message)
        job["run_id"], job["start_at"] = late_hooks_id(job["run_id"]), None
        await anyio.lowlevel.checkpoint_if_cancelled()
        # a heartbeat renews the lease, or the server has given the run to another and it is forgotten here
        while self._clock.boottime() >= self._lease_ends(run):  # noqa: ASYNC110 - whoever renews it sets a number
            await anyio.sleep(LEASE_LOOKS_S)
        call.asked, run.hooks_until = True, self._until(run, self._clock.boottime())
        with contextlib.suppress(StartUnsure):  # its keeper has gone, which `heard` is told; another starts it unless it had begun
            await self._launcher.start(job, min(run.hooks_until, self._lease_ends(run)))

    def _until(self, run: Run, now: float) -> float:
        """When their time is over; that of a process that is there already has begun with it."""
        until = self._journal.entries[run.key].hooks_until if run.hooks_key in self._adopted else None
        self._adopted.discard(run.hooks_key)
        if until is None:
            until = now + self._at_most_s
            self._journal.hooks(run.key, until)
        return until

    async def _ended(self, key: str, exit_: Exit | None) -> None:
        if run_of_late_hooks(key) not in self._journal.entries:
            await self._launcher.forget(key)
            return
        self._ends[key] = exit_
        if key in self._calls:
            self._calls[key].exited.set()

    # --- what they say

    async def _read(self, run: Run, exit_: Exit | None) -> _Told:
        """All that it wrote. Masked here and not only when it is reported, which the next daemon does before it has read the secrets."""
        follower = Follower(run.hooks_key, self._launcher)
        follower.secrets = run.secrets
        follower.grown(exit_.sizes if exit_ else EVERYTHING, self._clock.now_us())
        follower.ended = True
        told, room = _Told(), MOST_BYTES
        while follower.pending:
            taken = await follower.take(READ_BYTES, self._masking.own)
            for frame in taken.frames:
                self._hear(run, frame, told)
            for line in self._masking.lines(run, taken.lines):
                room -= len(line[5])
                if room >= 0 and len(told.lines) < MOST_LINES:
                    told.lines.append(line[2:6])
                else:
                    told.left_out += 1
            await anyio.lowlevel.checkpoint()
        return told

    def _hear(self, run: Run, frame: Frame, told: _Told) -> None:
        kind = frame.body.get("k")
        told.begun = told.begun or kind == "late_hooks"
        if kind == "end":
            told.end = self._words(run, frame)
        elif kind == "container":
            told.container = self._words(run, frame)
        elif kind in ("event", "task"):
            if len(told.frames) < MOST_LINES:
                told.frames.append(replace(frame, seq=max(run.follower.channel_size, run.marks.get("channel", 0)) + frame.seq))
            else:
                told.left_out += 1

    def _words(self, run: Run, frame: Frame) -> str:
        """What a frame says, masked."""
        ((*_, words, _task),) = self._masking.lines(run, [("daemon", 0, 0, 0, "", str(frame.body.get("message")), None)])
        return words

    def _how_it_went(self, run: Run, exit_: Exit | None, told: _Told, *, leaving: bool) -> list[str]:
        """What a person must know, if anything."""
        if told.end is not None and not told.begun:
            return [f"The hooks could not be called. {told.end}"]
        if leaving if exit_ is None else exit_.stopped is StopReason.DRAIN:
            return ["The hooks were stopped before they had ended: the worker leaves"]
        if exit_ is None:
            return ["The hooks were cut off, since their keeper was killed; they are not called a second time"]
        if exit_.stopped is StopReason.LEASE and self._had_time_left(run, exit_):
            return ["The hooks were killed: the worker was out of contact for too long"]
        if exit_.stopped is StopReason.LEASE:
            return [f"The hooks were killed: they had not ended after {self._at_most_s:g} s"]
        if exit_.signal is not None or exit_.code:
            words = told.end or told.container or f"Their process {how_it_left(exit_)}"
            return [f"The hooks {'were cut off' if told.begun else 'could not be called'}. {words}"]
        return []

    def _had_time_left(self, run: Run, exit_: Exit) -> bool:
        """Whether it was not their own time that was over. When they ended is told by how long they lasted alone."""
        return self._clock.boottime() < (run.hooks_until or 0.0) or exit_.wall_s < self._at_most_s - START_S

    def _said(self, run: Run) -> int:
        """How many lines of it the journal has, the one that announces them included: they are its last ones."""
        entry = self._journal.entries.get(run.key)
        notes = entry.notes if entry is not None else []
        first = next((at for at, line in enumerate(notes) if line[4] == LOGGER), len(notes))
        return len(notes) - first

    def _line(self, words: str, level: int = WARNING) -> Line:
        return self._clock.now_us(), level, LOGGER, words

    def _note(self, run: Run, line: Line) -> None:
        note(self._journal, run, *line)
