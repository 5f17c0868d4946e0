"""Late hooks at the level of their class: what becomes of them when the run or the daemon goes meanwhile. Their processes are in memory."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import anyio
import pytest

from flowhand.clock import SystemClock
from flowhand.daemon.end_table import Outcome
from flowhand.daemon.follower import Follower
from flowhand.daemon.journal import Journal
from flowhand.daemon.late_hooks import LateHooks
from flowhand.daemon.masking import Masking
from flowhand.daemon.run import Run
from flowhand.errors import StartUnsure
from flowhand.execution.launcher import Channel, Exit, Exited, Held, Sizes, Started, StopReason, Vanished
from flowhand.redaction import Redactor
from flowhand.wire import records
from flowhand.wire.job import Job
from flowhand.wire.runner import ClaimedRun
from flowhand.wire.states import StateType

pytestmark = pytest.mark.anyio
KEY = "r-hooks.1"
CRASHED = Outcome(StateType.CRASHED, "Crashed", "it was killed")


def frame(**body: object) -> bytes:
    """A channel record of the hooks' process."""
    return records.encode(json.dumps(body).encode(), 9)


@dataclass
class Processes:
    """The part of a launcher that hooks need; what they write is what a test has put into `files`."""

    files: dict[Channel, bytes] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)
    kill_at: list[float | None] = field(default_factory=list)
    stopped: list[tuple[str, StopReason]] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    begun: anyio.Event = field(default_factory=anyio.Event)
    unsure: bool = False
    """Whether what starts them dies meanwhile."""
    answers: bool = True
    """Whether the keeper does, when it is to stop something."""

    async def start(self, job: Job, kill_at: float | None = None) -> Started:
        """As Launcher.start."""
        self.started.append(f"{job['run_id']}.{job['attempt']}")
        self.kill_at.append(kill_at)
        self.begun.set()
        if self.unsure:
            raise StartUnsure("the keeper has gone")
        return Started(self.started[-1], 9, None)

    async def stop(self, key: str, reason: StopReason, grace_s: float) -> None:
        """As Launcher.stop; the end is a test's to tell."""
        self.stopped.append((key, reason))
        if not self.answers:
            await anyio.sleep_forever()

    async def read(self, key: str, channel: Channel, offset: int, limit: int) -> bytes:
        """As Launcher.read."""
        return self.files.get(channel, b"")[offset : offset + limit] if key == KEY else b""

    async def forget(self, key: str) -> None:
        """As Launcher.forget."""
        self.forgotten.append(key)
        self.files.clear()


class Bench:
    """A killed run whose hooks are owed."""

    def __init__(self, tmp_path: Path) -> None:
        self.processes = Processes()
        self.journal = Journal(tmp_path / "journal")
        masking = Masking(Redactor(["own-credential"]))
        self.hooks = LateHooks(self.processes, self.journal, SystemClock(), self.job, 60.0, masking, lambda run: run.lease_until)  # type: ignore[arg-type]
        claimed = ClaimedRun(
            run_id="r", attempt=1, run_count=1, name="r", flow_id="f", flow_name="flow", scheduled_us=0, start_in_s=0, lease_s=60
        )
        self.run = Run(claimed, Follower("r.1", self.processes), 1e9)  # type: ignore[arg-type]
        self.journal.claimed("r.1", claimed, 1e9)
        self.answered = anyio.Event()
        self.answered.set()

    async def job(self, run: Run) -> Job:
        """The run's job, once the API has answered what it refers to."""
        await self.answered.wait()
        return {"run_id": run.claimed.run_id, "attempt": run.claimed.attempt}  # type: ignore[return-value,typeddict-item]

    async def ends(self, stopped: StopReason | None = None, wall_s: float = 0.0) -> None:
        """The launcher says that their process has ended."""
        sizes = Sizes(*(len(self.processes.files.get(channel, b"")) for channel in Channel))
        await self.hooks.heard(Exited(KEY, Exit(0, None, sizes, 0.0, 0, wall_s, stopped=stopped)))

    def said(self) -> list[str]:
        """What is in the journal for the run's log, without the announcement."""
        return [line[5] for line in self.journal.entries["r.1"].notes][1:]


@asynccontextmanager
async def calling(tmp_path: Path) -> AsyncGenerator[Bench]:
    """The bench with the call under way; it is over at the end."""
    bench = Bench(tmp_path)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(bench.hooks.call, bench.run, CRASHED)
            yield bench
    bench.journal.close()


@pytest.mark.parametrize("begun", [False, True])
async def test_hooks_whose_keeper_dies_as_it_starts_them_are_called_once(tmp_path: Path, begun: bool) -> None:
    """Whether they had begun is looked at when all is over: if not, another process is started; if so, they are said to be cut off."""
    async with calling(tmp_path) as bench:
        bench.processes.unsure = True
        await bench.processes.begun.wait()
        await anyio.wait_all_tasks_blocked()
        bench.processes.unsure, bench.processes.begun = False, anyio.Event()
        if begun:
            bench.processes.files[Channel.CHANNEL] = frame(k="late_hooks")
        await bench.hooks.heard(Vanished([KEY], "its keeper was killed"))
        if not begun:
            await bench.processes.begun.wait()
            bench.processes.files[Channel.CHANNEL] = frame(k="late_hooks")
            await bench.ends()
    assert bench.processes.started == [KEY] * (1 if begun else 2)
    cut_off = ["The hooks were cut off, since their keeper was killed; they are not called a second time"]
    assert bench.said() == (cut_off if begun else [])


async def forgotten(bench: Bench) -> None:
    """What the daemon does when the server has refused a line of the run."""
    bench.run.silenced = True
    await bench.hooks.forget(bench.run)
    bench.journal.done("r.1")


async def test_a_fence_while_the_api_is_asked_begins_no_hook(tmp_path: Path) -> None:
    """The run is lost while its job is not known yet: nothing is started for it and nothing noted, although the answer comes."""
    async with calling(tmp_path) as bench:
        bench.answered = anyio.Event()
        await anyio.wait_all_tasks_blocked()
        bench.answered.set()
        await forgotten(bench)
    assert bench.processes.started == []
    assert not bench.run.hooks_called


async def test_a_fence_while_hooks_run_ends_their_call(tmp_path: Path) -> None:
    """FORGET ends their process without a word, so nobody waits for its end."""
    async with calling(tmp_path) as bench:
        await bench.processes.begun.wait()
        await forgotten(bench)
    assert bench.processes.forgotten == [KEY]


async def test_hooks_of_a_fenced_run_are_not_called(tmp_path: Path) -> None:
    """The fence came before the call had begun."""
    bench = Bench(tmp_path)
    await forgotten(bench)
    await bench.hooks.call(bench.run, CRASHED)
    assert bench.processes.started == []


async def test_a_leaving_daemon_stops_hooks_and_keeps_what_they_said(tmp_path: Path) -> None:
    """When the time of a drain is over their process is stopped, and that is said in the run's log."""
    async with calling(tmp_path) as bench:
        await bench.processes.begun.wait()
        bench.processes.files[Channel.STDOUT] = b"one\n"
        bench.hooks.leave_within(0.0, 0.5)
        while not bench.processes.stopped:
            await anyio.wait_all_tasks_blocked()
        await bench.ends(StopReason.DRAIN)
    assert bench.processes.stopped == [(KEY, StopReason.DRAIN)]
    assert bench.said() == ["one", "The hooks were stopped before they had ended: the worker leaves"]
    assert bench.run.hooks_called


async def test_a_leaving_daemon_begins_no_hooks_when_its_time_is_over(tmp_path: Path) -> None:
    """Neither those whose job the API does not tell in time, nor later ones."""
    async with calling(tmp_path) as bench:
        bench.answered = anyio.Event()
        await anyio.wait_all_tasks_blocked()
        bench.hooks.leave_within(0.0, 0.5)
    assert bench.said() == ["The hooks were not called: the worker leaves"]
    assert bench.run.hooks_called
    assert bench.processes.started == []


@pytest.mark.parametrize("answers", [True, False])
async def test_a_keeper_that_does_not_tell_of_a_stop_holds_nobody_up(tmp_path: Path, answers: bool) -> None:
    """A leaving daemon waits for the end of stopped hooks only so long, and for the keeper's answer no longer."""
    async with calling(tmp_path) as bench:
        bench.processes.answers = answers
        await bench.processes.begun.wait()
        bench.hooks.leave_within(0.0, 0.5)
    assert bench.said() == ["The hooks were stopped before they had ended: the worker leaves"]


async def test_the_journal_holds_no_secret_of_hooks(tmp_path: Path) -> None:
    """What the hooks name as secret and what the daemon knows is masked before it is noted."""
    async with calling(tmp_path) as bench:
        bench.processes.files[Channel.CHANNEL] = frame(k="secret", v="hunter2-of-the-hook")
        bench.processes.files[Channel.STDOUT] = b"https://x/hunter2-of-the-hook and own-credential\n"
        await bench.processes.begun.wait()
        await bench.ends()
    assert bench.said() == ["https://x/******** and ********"]
    assert b"hunter2" not in (tmp_path / "journal").read_bytes()


async def test_nothing_is_kept_of_hooks_whose_run_has_gone(tmp_path: Path) -> None:
    """Their process ends, or is lost with its keeper, after its run was forgotten: so are its files."""
    bench = Bench(tmp_path)
    bench.journal.done("r.1")
    await bench.ends()
    vanished = Vanished([KEY, "other.1"], "their keeper was killed")
    assert not await bench.hooks.heard(vanished)
    assert vanished.keys == ["other.1"]
    assert bench.processes.forgotten == [KEY, KEY]


async def test_hooks_that_a_killed_keeper_kept_from_beginning_are_called_by_the_next(tmp_path: Path) -> None:
    """Their process was lost while it loaded the flow: what it left is forgotten, and another one is started."""
    async with calling(tmp_path) as bench:
        await bench.processes.begun.wait()
        bench.processes.files[Channel.CHANNEL] = frame(k="loaded")
        bench.processes.begun = anyio.Event()
        await bench.hooks.heard(Vanished([KEY], "their keeper was killed"))
        await bench.processes.begun.wait()
        assert bench.processes.forgotten == [KEY]
        bench.processes.files[Channel.CHANNEL] = frame(k="late_hooks")
        await bench.hooks.heard(Vanished([KEY], "their keeper was killed"))
    assert bench.processes.started == [KEY, KEY]
    assert bench.said() == ["The hooks were cut off, since their keeper was killed; they are not called a second time"]


async def test_more_than_is_kept_is_said_to_be_left_out(tmp_path: Path) -> None:
    """Output beyond what a run's log takes of hooks is counted to its very end."""
    async with calling(tmp_path) as bench:
        bench.processes.files[Channel.STDOUT] = b"first\n" + b"z" * 3_000_000 + b"\nlast\n"
        await bench.processes.begun.wait()
        await bench.ends()
    said = bench.said()
    assert said[0] == "first"
    assert said[-1] == f"{3_000_000 // 65_536 + 1 + 2 - (len(said) - 1)} more lines and events of the hooks are left out"


async def test_events_of_hooks_are_told_as_the_runs_own(tmp_path: Path) -> None:
    """They come after all that the run itself has told."""
    async with calling(tmp_path) as bench:
        bench.run.marks["channel"] = 1_000
        event = {"id": str(uuid4()), "occurred": "2026-01-01T00:00:00Z", "event": "my.crash", "resource": {"prefect.resource.id": "x"}}
        bench.processes.files[Channel.CHANNEL] = frame(k="late_hooks") + frame(k="event", e=event)
        await bench.processes.begun.wait()
        await bench.ends()
    assert [item.event.event for frame in bench.run.late if (item := bench.run.event(frame)) is not None] == ["my.crash"]


async def test_files_of_hooks_go_with_a_run_whose_journal_was_torn(tmp_path: Path) -> None:
    """A crash of the host has taken the line that announced them; their keeper's death is all that tells of them."""
    bench = Bench(tmp_path)
    await bench.hooks.heard(Vanished([KEY], "the host went down"))
    await bench.hooks.forget(bench.run)
    assert bench.processes.forgotten == [KEY]


async def test_hooks_are_not_begun_by_a_worker_that_may_have_lost_the_run(tmp_path: Path) -> None:
    """Its lease is over, and it may have been begun elsewhere: once the server has renewed it they are called."""
    bench = Bench(tmp_path)
    bench.run.lease_until = 0.0
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(bench.hooks.call, bench.run, CRASHED)
            await anyio.wait_all_tasks_blocked()
            assert bench.processes.started == []
            bench.run.lease_until = 1e9
            await bench.processes.begun.wait()
            await bench.ends()
    assert bench.processes.started == [KEY]


async def test_hooks_have_the_time_of_the_daemon_that_began_them(tmp_path: Path) -> None:
    """The next daemon takes them over with what is left of it; those that it has to begin anew have all of it again."""
    bench = Bench(tmp_path)
    until = SystemClock().boottime() + 5
    bench.journal.hooks("r.1", until)
    bench.hooks.found([Held(KEY, 9, Sizes(), None)])
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(bench.hooks.call, bench.run, CRASHED)
            await bench.processes.begun.wait()
            bench.processes.begun = anyio.Event()
            await bench.hooks.heard(Vanished([KEY], "their keeper was killed"))
            await bench.processes.begun.wait()
            await bench.ends()
    adopted, anew = bench.processes.kill_at
    assert adopted == until
    assert anew == bench.journal.entries["r.1"].hooks_until
    assert anew is not None
    assert anew >= until + 55


@pytest.mark.parametrize(
    ("wall_s", "words"), [(30.0, "the worker was out of contact for too long"), (59.9, "they had not ended after 60 s")]
)
async def test_why_hooks_were_killed_while_no_daemon_was_there(tmp_path: Path, wall_s: float, words: str) -> None:
    """By how long they lasted: their time may be over by now in either case."""
    bench = Bench(tmp_path)
    bench.journal.hooks("r.1", 0.0)
    bench.hooks.found([Held(KEY, 9, Sizes(), Exit(None, 9, Sizes(), 0.0, 0, wall_s, stopped=StopReason.LEASE))])
    await bench.hooks.call(bench.run, CRASHED)
    assert bench.said() == [f"The hooks were killed: {words}"]
