"""A server's wall clock is set while leases are written by it: nobody is reaped who should not be, and nothing waits for hours."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from flowhand.clock import WatchedClock
from flowhand.wire.runner import ClaimRequest, ReportRequest, RetryPolicy, SessionReply, SessionRequest, StateItem
from flowhand_server.config import ServerConfig
from flowhand_server.orchestration.state import scheduled
from flowhand_server.services import floor
from flowhand_server.services.jump_guard import JumpGuard
from flowhand_server.services.reaper import Reaper
from flowhand_server.store.claim import claim
from flowhand_server.store.flow_runs import NewRun, create_flow_run
from flowhand_server.store.report import report
from flowhand_server.store.sessions import open_session
from flowhand_server.store.store import Store
from flowhand_server.store.tables import flow_run, lease
from support.databases import make_deployment

pytestmark = pytest.mark.anyio
SECOND = 1_000_000
CONFIG = ServerConfig(Path("/nowhere"), lease_s=30.0)


class SetClock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.boot = 1_000.0
        self.off_s = 1_700_000_000.0

    def now_us(self) -> int:
        return round((self.boot + self.off_s) * SECOND)

    def monotonic(self) -> float:
        return self.boot

    def boottime(self) -> float:
        return self.boot


class Server:
    """One replica: a clock, a reaper, and the store as those have it who write leases."""

    def __init__(self, store: Store) -> None:
        self.set = SetClock()
        self.clock = WatchedClock(self.set)
        self.reaper = Reaper(store, self.clock, CONFIG)
        self.leases = JumpGuard(store, self.clock)
        store.listen(self.reaper.notice)

    async def looks(self, *, until: float) -> None:
        """The reaper's looks, two seconds apart."""
        while self.set.boot < until:
            self.set.boot += 2.0
            await self.reaper.round()


async def held(store: Store, server: Server, prefetch_s: float = 0.0, due_s: float = 0.0) -> tuple[SessionReply, str]:
    """A run that somebody holds, written by the server's present time."""
    flow, deployment = await store.write(make_deployment)
    now = server.clock.now_us()
    run = (await store.write(create_flow_run, NewRun(flow, scheduled(now + round(due_s * SECOND)), deployment_id=deployment), now)).id
    request = SessionRequest(kind="adhoc", name="script.py")
    session = await server.leases.write(open_session, request, CONFIG, server.clock.now_us())
    wanted = ClaimRequest(session=session.session, slots=1, run_id=run, prefetch_s=prefetch_s)
    answer = await server.leases.write(claim, wanted, session.secret, server.clock.now_us())
    assert [given.run_id for given in answer.reply.runs] == [run]
    return session, run


async def state(store: Store, run: str) -> str:
    return await store.read(lambda conn: conn.execute(select(flow_run.c.state_name).where(flow_run.c.id == run)).scalar_one())


async def test_a_lease_that_was_written_between_two_jumps_is_not_reaped(store: Store) -> None:
    """The clock is an hour behind while a run is claimed, and right again at the reaper's next look; a lease later it is reaped."""
    server = Server(store)
    await held(store, server)
    await server.looks(until=1_040.0)
    server.set.off_s -= 3_600.0
    _, run = await held(store, server)
    server.set.off_s += 3_600.0
    begun = server.set.boot
    await server.looks(until=begun + 28.0)
    assert await state(store, run) == "Pending"
    await server.looks(until=begun + 36.0)
    assert await state(store, run) == "Crashed"


async def test_a_jump_while_nothing_is_held_is_not_forgotten(store: Store) -> None:
    """The reaper looks between the reading of the time and the commit, finds nothing, and finds the old lease at its next look."""
    server = Server(store)
    await held(store, server)
    await server.looks(until=1_040.0)
    await store.write(lambda conn: conn.execute(lease.update().values(ended_at=1)))
    server.set.off_s -= 3_600.0
    early = server.clock.now_us()
    server.set.off_s += 3_600.0
    await server.reaper.round()
    _, run = await held(store, server)
    await store.write(lambda conn: conn.execute(lease.update().where(lease.c.flow_run_id == run).values(expires_at=early + 30 * SECOND)))
    await server.reaper.round()
    assert await state(store, run) == "Pending"


async def test_a_replica_whose_clock_is_right_takes_nothing_by_the_time_of_one_whose_clock_jumped(store: Store) -> None:
    """The doubt is there before the lease is, whoever reaps."""
    first, second = Server(store), Server(store)
    await held(store, first)
    await first.looks(until=1_040.0)
    second.set.boot = first.set.boot
    second.set.off_s -= 3_600.0
    _, run = await held(store, second)
    await first.looks(until=1_060.0)
    assert await state(store, run) == "Pending"


async def test_a_doubt_is_settled_by_the_clock_of_whoever_ticks_next(store: Store) -> None:
    """However wrong the clock of the one is who told of it: a whole lease of the other's time."""
    now, length = Server(store).clock.now_us(), 30 * SECOND
    assert [await store.write(floor.tick, now + second * SECOND, length) for second in range(0, 36, 5)][-1]
    await store.write(floor.doubt)
    await store.write(floor.doubt)
    assert [await store.write(floor.tick, now + second * SECOND, length) for second in range(36, 66, 5)] == [False] * 6
    assert await store.write(floor.tick, now + 66 * SECOND, length)


async def test_replicas_need_not_agree_to_the_second(store: Store) -> None:
    """Ticks of one that is some seconds behind are no sign of a jump."""
    now = Server(store).clock.now_us()
    ticks = [now + second * SECOND - second % 2 * 3 * SECOND for second in range(40)]
    assert [await store.write(floor.tick, tick, 30 * SECOND) for tick in ticks][-1]


async def test_a_run_that_is_given_again_after_the_clock_was_set_back_does_not_wait_for_it(store: Store) -> None:
    """The first answer was lost; what was due in two seconds is not due in an hour."""
    server = Server(store)
    session, run = await held(store, server, prefetch_s=5.0, due_s=2.0)
    again = ClaimRequest(session=session.session, slots=1, run_id=run, prefetch_s=5.0)
    early = server.clock.now_us() - 3_600 * SECOND
    answer = await store.write(claim, again, session.secret, early)
    assert [given.start_in_s for given in answer.reply.runs] == [2.0]


async def test_a_try_that_is_given_again_after_the_clock_was_set_back_does_not_wait_for_it(store: Store) -> None:
    """The same for the next try of a run, whose answer was lost."""
    server = Server(store)
    session, run = await held(store, server)
    now = server.clock.now_us()

    async def fails(at: int) -> float | None:
        item = StateItem(run_id=run, attempt=1, seq=2, type="FAILED", at_us=now, retry=RetryPolicy(retries=1, retry_delay_s=3.0))
        reply = await store.write(report, ReportRequest(session=session.session, states=[item]), session.secret, at)
        return reply.states[0].retry_here and reply.states[0].retry_here.start_in_s

    running = StateItem(run_id=run, attempt=1, seq=1, type="RUNNING", at_us=now, retry=RetryPolicy(retries=1, retry_delay_s=3.0))
    await store.write(report, ReportRequest(session=session.session, states=[running]), session.secret, now)
    assert await fails(now) == 3.0
    assert await fails(now - 3_600 * SECOND) == pytest.approx(3.0, abs=0.001)


async def test_one_jump_is_one_rest(store: Store) -> None:
    """The floor is not raised again by the next who writes a lease: what was lost before is reaped a lease after the jump."""
    server = Server(store)
    await held(store, server)
    await server.looks(until=1_040.0)
    _, run = await held(store, server)
    server.set.off_s += 3_600.0
    begun = server.set.boot
    await server.looks(until=begun + 20.0)
    await held(store, server)
    await server.looks(until=begun + 36.0)
    assert await state(store, run) == "Crashed"


async def test_a_rest_without_an_end_is_told(store: Store) -> None:
    """Once, and that it is over."""
    server = Server(store)
    with capture_logs() as said:
        for _ in range(20):
            await held(store, server)
            await server.looks(until=server.set.boot + 10.0)
            server.set.off_s += 60.0
        server.clock.now_us()
        await server.looks(until=server.set.boot + 40.0)
    told = [line["event"].partition(":")[0] for line in said if "leases" in line["event"] or "not noticed" in line["event"]]
    assert told == ["lost workers are not noticed", "leases are compared again"]
