"""The poller where long polls cannot be held: what it asks, and when."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest
from structlog.testing import capture_logs

from flowhand.clock import SystemClock
from flowhand.daemon.instance import Instance, Stamp
from flowhand.daemon.patience import AGAIN_S, CUTS, Patience
from flowhand.daemon.poller import Poller
from flowhand.daemon.registry import Registry
from flowhand.daemon.session import Session
from flowhand.errors import ApiUnavailable, FlowhandError
from flowhand.wire.runner import ClaimedRun, ClaimReply, ClaimRequest, Orders, SessionRequest
from support.backends import MemoryBackend

MOST_S = 20.0


@dataclass
class Time:
    """A clock that stands until it is moved."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def patience(time: Callable[[], float]) -> Patience:
    """With a poll every ten seconds."""
    return Patience(10.0, time, random.Random(1))


def cut(of: Patience) -> None:
    """A claim that waits is cut, the plain one after it goes round."""
    of.failed(of.wait_s(MOST_S))
    assert of.wait_s(MOST_S) == 0.0
    of.answered(0.0)


def test_waits_that_are_cut_again_and_again_are_given_up_for_a_while() -> None:
    """Plain polls with a jittered pause, until it is time to try a wait again."""
    time = Time()
    learned = patience(time)
    for _ in range(CUTS):
        assert not learned.plain
        cut(learned)
    assert learned.plain
    assert learned.wait_s(MOST_S) == 0.0
    assert 5.0 <= learned.pause_s() <= 10.0
    time.now += AGAIN_S
    assert learned.wait_s(MOST_S) == MOST_S


def test_an_api_that_was_away_is_waited_at_again() -> None:
    """When the plain claim fails as well it was not the waiting; nor is one cut by itself a reason."""
    learned = patience(Time())
    for _ in range(5):
        learned.failed(learned.wait_s(MOST_S))
        learned.failed(learned.wait_s(MOST_S))
    cut(learned)
    learned.answered(MOST_S)
    cut(learned)
    assert not learned.plain
    assert learned.wait_s(MOST_S) == MOST_S


@dataclass
class Accepted:
    """What the poller hands on."""

    runs: list[str] = field(default_factory=list)
    all_here: anyio.Event = field(default_factory=anyio.Event)

    async def accept(self, claimed: ClaimedRun, _sent_at: float) -> None:
        """Counts."""
        self.runs.append(claimed.run_id)
        if len(self.runs) == 3:
            self.all_here.set()

    async def obey(self, _orders: Orders) -> None:
        """There are none."""


def run(name: str) -> ClaimedRun:
    """A run as a claim gives it."""
    return ClaimedRun(run_id=name, attempt=1, run_count=1, name=name, flow_id="f", flow_name="f", scheduled_us=0, start_in_s=0, lease_s=60)


async def opened(tmp_path: Path, backend: MemoryBackend, accepted: Accepted, clock: SystemClock, learned: Patience) -> Poller:
    """A poller with room for five runs, whose session is open."""
    session = Session(
        backend, SessionRequest(kind="worker", name="w"), Instance(tmp_path, -1), Stamp("url", "", "", "", "m", "b", "n", 1, 1.0)
    )
    await session.open(None)
    return Poller(backend, session, Registry(5), clock, accepted.accept, accepted.obey, 2.0, learned)


@pytest.mark.anyio
async def test_runs_are_claimed_through_a_proxy_that_cuts_every_wait(tmp_path: Path) -> None:
    """No claim that waits ever goes round; all runs come all the same."""
    backend, accepted, clock = MemoryBackend(), Accepted(), SystemClock()

    def proxy(call: str, body: object) -> FlowhandError | None:
        return ApiUnavailable("cut") if call == "claim" and isinstance(body, ClaimRequest) and body.wait_s > 0 else None

    backend.trouble = proxy
    nothing, two, one = ClaimReply(claim=0), ClaimReply(claim=1, runs=[run("a"), run("b")]), ClaimReply(claim=2, runs=[run("c")])
    backend.claims = [nothing, nothing, two, nothing, nothing, one]
    learned = Patience(0.05, clock.monotonic, random.Random(1))
    poller = await opened(tmp_path, backend, accepted, clock, learned)
    async with anyio.create_task_group() as group:
        group.start_soon(poller.run)
        with anyio.fail_after(20):
            await accepted.all_here.wait()
        poller.close()
    assert accepted.runs == ["a", "b", "c"]
    assert learned.plain


@pytest.mark.anyio
async def test_a_closed_gate_is_told_of_once(tmp_path: Path) -> None:
    """The free bytes of a full disk change all the time, and a line about each would fill it; when it fills up again, that is told."""
    backend, accepted, clock = MemoryBackend(), Accepted(), SystemClock()
    backend.claims = [ClaimReply(claim=0)] * 5
    free = iter(("3 MiB left", "2 MiB left", None, "1 MiB left", "0 MiB left"))

    def gate() -> str | None:
        why = next(free)
        if why == "0 MiB left":
            poller.close()
        return why

    poller = await opened(tmp_path, backend, accepted, clock, Patience(0.05, clock.monotonic, random.Random(1)))
    poller.gate = gate
    with capture_logs() as said, anyio.fail_after(20):
        await poller.run()
    assert [line["why"] for line in said if line["log_level"] == "warning"] == ["3 MiB left", "1 MiB left"]
