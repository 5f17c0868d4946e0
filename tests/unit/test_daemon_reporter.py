"""The reporter: in order, once, whatever the server says meanwhile."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest

from flowhand.clock import SystemClock
from flowhand.daemon.backoff import Backoff
from flowhand.daemon.follower import Follower
from flowhand.daemon.instance import Instance, Stamp
from flowhand.daemon.journal import Journal
from flowhand.daemon.masking import Masking
from flowhand.daemon.registry import Registry
from flowhand.daemon.reporter import Reporter
from flowhand.daemon.run import Run
from flowhand.daemon.session import Session
from flowhand.errors import ApiRefused, FlowhandError
from flowhand.execution.launcher import Channel, Exit, Sizes
from flowhand.redaction import Redactor
from flowhand.wire import records
from flowhand.wire.runner import ClaimedRun, LogBatch, Orders, Refusal, ReportRequest, SessionRequest, StateResult
from support.backends import MemoryBackend, away

pytestmark = pytest.mark.anyio


def claimed(run_id: str) -> ClaimedRun:
    """A run as a claim gives it."""
    return ClaimedRun(
        run_id=run_id, attempt=1, run_count=1, name=run_id, flow_id="f", flow_name="flow", scheduled_us=0, start_in_s=0, lease_s=60
    )


def frame(pid: int = 9, **body: object) -> bytes:
    """A channel record."""
    return records.encode(json.dumps(body).encode(), pid)


@dataclass
class Files:
    """The reading half of a launcher over bytes in memory."""

    data: dict[tuple[str, Channel], bytes] = field(default_factory=dict)

    async def read(self, key: str, channel: Channel, offset: int, limit: int) -> bytes:
        """As Launcher.read."""
        return self.data.get((key, channel), b"")[offset : offset + limit]


@dataclass
class Handler:
    """Remembers what the reporter asked for."""

    registry: Registry
    stored_runs: list[tuple[str, str]] = field(default_factory=list)
    handed_back: list[str] = field(default_factory=list)
    fenced: list[str] = field(default_factory=list)

    async def stored(self, run: Run, result: StateResult) -> None:
        """A final state is stored."""
        self.stored_runs.append((run.key, result.type))
        self.registry.remove(run)

    async def refused(self, run: Run, refusal: Refusal) -> None:
        """A fence."""
        self.fenced.append(run.key)

    async def let_go(self, run: Run) -> None:
        """A fenced one has nothing more to say."""
        self.registry.remove(run)

    async def hand_back(self, runs: list[Run]) -> None:
        """Not begun."""
        for run in runs:
            self.handed_back.append(run.key)
            self.registry.remove(run)

    def calls_hooks(self, run: Run) -> bool:
        """There are none."""
        return False

    def unheard(self, run: Run) -> None:
        """There are none."""

    def heard(self, run: Run, batch: LogBatch) -> None:
        """Nobody listens."""


class Bench:
    """A reporter with everything around it in memory, but for the journal."""

    def __init__(self, tmp_path: Path, backoff: Callable[[], Backoff] = Backoff) -> None:
        self.backend = MemoryBackend()
        self.files = Files()
        self.registry = Registry(10)
        self.journal = Journal(tmp_path / "journal")
        self.handler = Handler(self.registry)
        self.dead_letters = tmp_path / "dead-letters.jsonl"
        instance = Instance(tmp_path, -1)
        stamp = Stamp("url", "", "", "", "machine", "boot", "ns", 1, 1.0)
        self.session = Session(self.backend, SessionRequest(kind="worker", name="w"), instance, stamp)
        self.reporter = Reporter(
            self.backend,
            self.session,
            self.registry,
            self.journal,
            self.handler,
            self.obey,
            SystemClock(),
            self.dead_letters,
            Masking(Redactor(["own-credential"])),
            backoff,
        )

    async def obey(self, orders: Orders) -> None:
        """No orders come from memory."""

    def run(self, run_id: str, stdout: bytes = b"", word: str | None = "COMPLETED") -> Run:
        """A run that has begun, written, said its last word, and left."""
        key = f"{run_id}.1"
        channel = frame(k="running", t=1) + (frame(k="end", type=word) if word else b"")
        self.files.data[(key, Channel.CHANNEL)] = channel
        self.files.data[(key, Channel.STDOUT)] = stdout
        run = Run(claimed(run_id), Follower(key, self.files), 1e9, pid=9, started=True)  # type: ignore[arg-type]
        self.journal.claimed(key, run.claimed, 1e9)
        self.registry.add(run)
        sizes = Sizes(len(channel), len(stdout), 0)
        run.follower.grown(sizes, 1)
        run.exit = Exit(code=0, signal=None, sizes=sizes, cpu_s=0.1, peak_bytes=1, wall_s=1.0)
        run.ended = True
        return run

    async def until_empty(self) -> None:
        """Until every run was reported."""
        with anyio.fail_after(10):
            await self.registry.emptied()


@asynccontextmanager
async def bench(tmp_path: Path, backoff: Callable[[], Backoff] = Backoff) -> AsyncGenerator[Bench]:
    """The bench with its loop running."""
    made = Bench(tmp_path, backoff)
    await made.session.open(None)
    async with anyio.create_task_group() as group:
        group.start_soon(made.reporter.run)
        yield made
        group.cancel_scope.cancel()
    made.journal.close()


async def test_lines_come_before_the_final_state_and_all_in_one_batch(tmp_path: Path) -> None:
    """A run alone: one report with its lines, Running and its end."""
    async with bench(tmp_path) as b:
        b.reporter.mark(b.run("a", b"one\ntwo\n"))
        await b.until_empty()
        assert len(b.backend.requests) == 1
        assert b.backend.lines[("a", 1)] == ["one", "two"]
        assert b.backend.states == [("a", 1, "RUNNING"), ("a", 1, "COMPLETED")]
        assert b.handler.stored_runs == [("a.1", "COMPLETED")]


async def test_a_flood_of_one_run_does_not_hold_back_the_states_of_another(tmp_path: Path) -> None:
    """While ten megabytes of one run are sent in batches, the other's states are in the first."""
    async with bench(tmp_path) as b:
        flood, small = b.run("flood", b"x" * 99 + b"\n" + (b"y" * 99 + b"\n") * 100_000), b.run("small", b"hello\n")
        b.reporter.mark(flood)
        b.reporter.mark(small)
        await b.until_empty()
        first = b.backend.requests[0]
        assert {(item.run_id, item.type) for item in first.states} >= {("small", "RUNNING"), ("small", "COMPLETED")}
        assert len(b.backend.requests) > 10
        assert len(b.backend.lines[("flood", 1)]) == 100_001
        assert max(len(request.model_dump_json()) for request in b.backend.requests) < 1_000_000


async def test_an_api_that_is_away_costs_nothing(tmp_path: Path) -> None:
    """The batch is kept and sent again; nothing is doubled, nothing is lost."""
    async with bench(tmp_path) as b:
        b.backend.trouble = away(3)
        b.reporter.mark(b.run("a", b"one\ntwo\n"))
        await b.until_empty()
        assert b.backend.lines[("a", 1)] == ["one", "two"]
        assert b.backend.states == [("a", 1, "RUNNING"), ("a", 1, "COMPLETED")]


async def test_an_answer_to_somebody_else_ends_its_pause(tmp_path: Path) -> None:
    """After an outage nothing is kept back for as long as the back-off has grown."""
    async with bench(tmp_path, lambda: Backoff(first_s=1e6, most_s=1e6)) as b:
        b.backend.trouble = away(1)
        b.reporter.mark(b.run("a", b"one\n"))
        with anyio.fail_after(10):
            while not b.backend.requests:
                b.session.outage.over()
                await anyio.sleep(0.05)
        await b.until_empty()
        assert b.backend.lines[("a", 1)] == ["one"]


async def test_a_forgotten_session_is_opened_again(tmp_path: Path) -> None:
    """409: another session supersedes the lost one, and the same batch goes through."""
    async with bench(tmp_path) as b:
        b.backend.session = 7
        b.reporter.mark(b.run("a", b"one\n"))
        await b.until_empty()
        assert b.session.id == "8"
        assert b.backend.lines[("a", 1)] == ["one"]


async def test_what_the_server_will_not_read_goes_to_the_dead_letters_alone(tmp_path: Path) -> None:
    """One poisonous line among many: it alone is set aside, all else arrives."""

    def poison(call: str, body: object) -> FlowhandError | None:
        if isinstance(body, ReportRequest) and any("poison" in line[5] for batch in body.logs for line in batch.lines):
            return ApiRefused("unreadable", 422, "no")
        return None

    async with bench(tmp_path) as b:
        b.backend.trouble = poison
        b.reporter.mark(b.run("a", b"one\npoison\ntwo\nthree\n"))
        await b.until_empty()
        assert b.backend.lines[("a", 1)] == ["one", "two", "three"]
        assert b.handler.stored_runs == [("a.1", "COMPLETED")]
        letters = [json.loads(line) for line in b.dead_letters.read_text().splitlines()]
        assert [letter["report"]["logs"][0]["lines"][0][5] for letter in letters] == ["poison"]


async def test_no_secret_leaves_in_a_line_or_a_state(tmp_path: Path) -> None:
    """What the process named, what is the daemon's own; in lines before and after a restart, in the message and in the data."""
    async with bench(tmp_path) as b:
        run = b.run("a", b"it is hunter22, or own-credential\n")
        channel = (
            frame(k="secret", v="hunter22")
            + frame(k="running", t=1)
            + frame(k="log", t=1, l=20, n="x", m="logged hunter22")
            + frame(k="end", type="FAILED", message="no hunter22", data={"why": ["hunter22"]})
        )
        b.files.data[("a.1", Channel.CHANNEL)] = channel
        run.follower.grown(Sizes(len(channel), 0, 0), 1)
        b.reporter.mark(run)
        await b.until_empty()
        said = " ".join(request.model_dump_json() for request in b.backend.requests)
        assert "hunter22" not in said
        assert "own-credential" not in said
        assert b.backend.lines[("a", 1)] == ["logged ********", "it is ********, or ********"]
        assert b.handler.stored_runs == [("a.1", "FAILED")]


async def test_a_run_that_began_before_it_was_revoked_is_not_being_stopped(tmp_path: Path) -> None:
    """Its keeper revokes nothing that has begun, so another order may stop it."""
    from flowhand.execution.launcher import StopReason

    async with bench(tmp_path) as b:
        run = b.run("a", word=None)
        run.stopping = StopReason.REVOKED
        b.reporter.mark(run)
        await b.until_empty()
        assert run.stopping is None


async def test_a_revoked_run_is_handed_back_and_has_no_final_state(tmp_path: Path) -> None:
    """A run that was stopped before it began returns to Scheduled."""
    from flowhand.execution.launcher import StopReason

    async with bench(tmp_path) as b:
        run = b.run("a", b"", word=None)
        b.files.data[("a.1", Channel.CHANNEL)] = b""
        run.exit = Exit(None, 15, Sizes(), 0.0, 0, 0.0, stopped=StopReason.REVOKED)
        b.reporter.mark(run)
        await b.until_empty()
        assert b.handler.handed_back == ["a.1"]
        assert b.backend.states == []
