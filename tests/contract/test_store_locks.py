"""Row locks on PostgreSQL: claims, proposals, reports and the reaper touch the same rows, and none waits in a circle."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from flowhand.clock import SystemClock
from flowhand.wire.concurrency import LimitCreate
from flowhand.wire.runner import ClaimRequest, SessionRequest
from flowhand.wire.states import StateType
from flowhand_server.config import ServerConfig
from flowhand_server.orchestration.state import Verdict, propose, scheduled
from flowhand_server.store.claim import AGAIN_US, Answer, claim
from flowhand_server.store.concurrency import create_limit
from flowhand_server.store.flow_runs import NewRun, create_flow_run, propose_state
from flowhand_server.store.leases import end
from flowhand_server.store.reaping import reap
from flowhand_server.store.runs import load_runs
from flowhand_server.store.sessions import open_session
from flowhand_server.store.store import Store
from support.databases import deadlocks, make_deployment, make_pool, open_store, prepared_database

pytestmark = pytest.mark.anyio
CLOCK = SystemClock()
RUNS = 60
GRACE_US = 60_000_000


class House:
    """A pool with due runs of one deployment, whose limit is a global one, and a worker's session."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.runs: list[str] = []
        self.last = 0

    async def furnish(self, runs: int) -> None:
        now = CLOCK.now_us()
        limit = await self.store.write(create_limit, LimitCreate(name="shared", limit=10_000), now)
        pool, queue = await self.store.write(make_pool)
        limited = {"concurrency_limit": 10_000, "global_concurrency_limit_id": limit["id"]}
        flow, deployment = await self.store.write(make_deployment, queue, **limited)
        for number in range(runs):
            new = NewRun(flow, scheduled(now - 1_000_000 + number), deployment_id=deployment, work_pool_id=pool, work_queue_id=queue)
            self.runs.append((await self.store.write(create_flow_run, new, now)).id)
        request = SessionRequest(kind="worker", name="w", work_pool=f"pool-{pool}")
        self.session = await self.store.write(open_session, request, ServerConfig(Path("/nowhere")), now)

    async def claim(self, slots: int) -> Answer:
        request = ClaimRequest(session=self.session.session, slots=slots, last_claim=self.last)
        answer = await self.store.write(claim, request, self.session.secret, CLOCK.now_us())
        self.last = answer.reply.claim
        return answer

    @contextlib.asynccontextmanager
    async def holding(self, run: str) -> AsyncGenerator[None]:
        """Somebody else's transaction has the run locked, and ends its lease when the block is over: the order of a report."""
        loop, locked, over = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

        def hold(conn: Connection) -> None:
            load_runs(conn, [run])
            loop.call_soon_threadsafe(locked.set)
            asyncio.run_coroutine_threadsafe(over.wait(), loop).result(30)
            end(conn, [(run, 1)], CLOCK.now_us())

        holder = asyncio.ensure_future(self.store.write(hold))
        await locked.wait()
        try:
            yield
        finally:
            over.set()
            await holder


@pytest.fixture
async def url(postgres_url: str) -> str:
    return prepared_database(postgres_url)


@pytest.fixture
async def house(url: str) -> AsyncGenerator[House]:
    store = open_store(url)
    yield House(store)
    await store.close()


async def test_claims_and_proposals_do_not_wait_in_a_circle(house: House, url: str) -> None:
    """A worker claims what two clients of others make Pending just now: the server counts no deadlock, and each run has one taker."""
    await house.furnish(RUNS)
    refused: set[str] = set()

    async def foreign(runs: list[str]) -> None:
        for run in runs:
            outcome = await house.store.write(propose_state, run, propose(StateType.PENDING), CLOCK.now_us(), renews=True)
            if outcome.status is not Verdict.ACCEPT:
                refused.add(run)

    async def worker() -> list[str]:
        return [run.run_id for _ in range(6) for run in (await house.claim(5)).reply.runs]

    claimed, *_ = await asyncio.gather(worker(), foreign(house.runs[::2]), foreign(house.runs[1::2]))
    assert claimed
    assert refused == set(claimed)
    await house.store.close()
    assert await asyncio.to_thread(deadlocks, url) == 0


async def test_a_claim_leaves_a_run_that_somebody_holds(house: House) -> None:
    """It waits for nobody while it holds the limit: it takes what is free, and says when to look again for the rest."""
    await house.furnish(2)
    async with house.holding(house.runs[0]):
        answer = await asyncio.wait_for(house.claim(2), 10)
        assert [run.run_id for run in answer.reply.runs] == [house.runs[1]]
        assert answer.next_due is not None
        assert answer.next_due <= CLOCK.now_us() + AGAIN_US
    assert [run.run_id for run in (await house.claim(1)).reply.runs] == [house.runs[0]]


async def test_the_reaper_leaves_a_run_that_somebody_holds(house: House) -> None:
    """A report locks runs, then leases; the reaper waits for neither, and finds what is still lost at its next look."""
    await house.furnish(2)
    assert len((await house.claim(2)).reply.runs) == 2
    later = CLOCK.now_us() + 3600 * 1_000_000
    async with house.holding(house.runs[0]):
        assert await asyncio.wait_for(house.store.write(reap, later, GRACE_US), 10) == 1
    assert await house.store.write(reap, later, GRACE_US) == 0  # its lease was ended meanwhile
