"""What any Backend keeps to: our server over a wire, and the one in memory that the daemon's unit tests run on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from flowhand.backends.backend import Backend
from flowhand.backends.native import NativeBackend
from flowhand.client.address import Address
from flowhand.errors import ApiRefused
from flowhand.wire.runner import (
    ClaimRequest,
    LogBatch,
    LogLine,
    ReleaseRequest,
    ReportReply,
    ReportRequest,
    SessionReply,
    SessionRequest,
    StateItem,
    Supersedes,
)
from support.backends import MemoryBackend
from support.server import running_server
from support.worker import Api

pytestmark = pytest.mark.anyio


@dataclass
class Held:
    """A backend with an open session that holds one run."""

    backend: Backend
    session: SessionReply
    run_id: str
    attempt: int

    async def report(self, *lines: LogLine, state: StateItem | None = None) -> ReportReply:
        """One report of that run."""
        logs = [LogBatch(run_id=self.run_id, attempt=self.attempt, lines=list(lines))] if lines else []
        return await self.backend.report(ReportRequest(session=self.session.session, logs=logs, states=[state] if state else []))

    def state(self, seq: int, state_type: str) -> StateItem:
        """A state of that run."""
        return StateItem(run_id=self.run_id, attempt=self.attempt, seq=seq, type=state_type, at_us=1)


def line(seq: int) -> LogLine:
    """A line of its stdout."""
    return ("stdout", seq, 1_000_000, 20, "stdout", f"line {seq}", None)


def request(supersedes: Supersedes | None = None) -> SessionRequest:
    """A worker's session."""
    return SessionRequest(kind="worker", name="w", work_pool="pool", slots=1, supersedes=supersedes)


@pytest.fixture
async def held(request_kind: str, tmp_path: Path) -> AsyncIterator[Held]:
    """One of each kind."""
    if request_kind == "memory":
        backend = MemoryBackend()
        yield Held(backend, await backend.open_session(request()), "r", 1)
        return
    with running_server(tmp_path / "server") as server:
        api = Api(server)
        api.pool("pool")
        run_id = api.run(api.deploy("flows.py:f", tmp_path))
        backend = NativeBackend(Address(server.url))
        session = await backend.open_session(request())
        reply = await backend.claim(ClaimRequest(session=session.session, slots=1))
        assert [run.run_id for run in reply.runs] == [run_id]
        yield Held(backend, session, run_id, reply.runs[0].attempt)
        await backend.close()


@pytest.fixture(params=["native", "memory"])
def request_kind(request: pytest.FixtureRequest) -> str:
    """Which kind."""
    return request.param


async def test_an_item_is_stored_once_whatever_is_sent_again(held: Held) -> None:
    """The marks are the highest seq of each stream, and stay where they are when a report comes twice."""
    first = await held.report(line(5), line(9))
    again = await held.report(line(5), line(9))
    for reply in (first, again):
        assert (held.run_id, held.attempt, "stdout", 9) in [tuple(mark) for mark in reply.marks]


async def test_each_state_is_answered_by_what_it_became(held: Held) -> None:
    """By run, attempt and seq, in order."""
    running = await held.report(state=held.state(3, "RUNNING"))
    done = await held.report(state=held.state(8, "COMPLETED"))
    assert [(result.seq, result.type) for result in running.states] == [(3, "RUNNING")]
    assert [(result.seq, result.type) for result in done.states] == [(8, "COMPLETED")]


async def test_a_superseded_session_is_refused_by_409(held: Held) -> None:
    """On claims and on reports alike; its heir goes on."""
    old = held.session
    heir = await held.backend.open_session(request(Supersedes(session=old.session, secret=old.secret)))
    with pytest.raises(ApiRefused) as told:
        await held.backend.claim(ClaimRequest(session=old.session, slots=0))
    assert told.value.status == 409
    with pytest.raises(ApiRefused) as told:
        await held.report(line(5))
    assert told.value.status == 409
    held.session = heir
    assert (await held.report(line(5))).marks


async def test_what_has_not_begun_can_be_handed_back(held: Held) -> None:
    """It is named in the answer."""
    reply = await held.backend.release(ReleaseRequest(session=held.session.session, runs=[(held.run_id, held.attempt)]))
    assert [tuple(attempt) for attempt in reply.released] == [(held.run_id, held.attempt)]


async def test_closing_twice_is_fine(held: Held) -> None:
    """Idempotent."""
    await held.backend.release(ReleaseRequest(session=held.session.session, runs=[(held.run_id, held.attempt)]))
    await held.backend.close_session(held.session.session)
    await held.backend.close_session(held.session.session)
