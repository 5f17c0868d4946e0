"""What the services do to the table, one transaction at a time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select

from flowhand.clock import to_iso
from flowhand.wire.runner import ClaimRequest, LogBatch, ReportRequest, SessionRequest
from flowhand.wire.states import StateType
from flowhand_server.config import ServerConfig
from flowhand_server.orchestration.state import Proposal, propose, scheduled
from flowhand_server.services import expiry, floor, foreman, late
from flowhand_server.services.crew import Crew
from flowhand_server.services.retention import delete_old_runs, delete_old_sessions
from flowhand_server.store import tables as t
from flowhand_server.store.claim import claim
from flowhand_server.store.flow_runs import NewRun, create_flow_run, propose_state
from flowhand_server.store.report import report
from flowhand_server.store.sessions import open_session
from flowhand_server.store.store import Store
from support.databases import make_deployment, make_flow, make_pool

pytestmark = pytest.mark.anyio
NOW = 1_700_000_000_000_000
SECOND = 1_000_000
DAY = 86_400 * SECOND


async def run_in(store: Store, *states: Proposal, at: int = NOW) -> str:
    flow = await store.write(make_flow)
    run = (await store.write(create_flow_run, NewRun(flow, states[0]), at)).id
    for state in states[1:]:
        at += 1
        await store.write(propose_state, run, state, at, force=True)
    return run


async def state_of(store: Store, run: str) -> tuple[str, str]:
    def read(conn: Connection) -> Any:
        return conn.execute(select(t.flow_run.c.state_type, t.flow_run.c.state_name).where(t.flow_run.c.id == run)).one()

    found = await store.read(read)
    return found.state_type, found.state_name


async def count(store: Store, table: Any) -> int:
    return await store.read(lambda conn: conn.execute(select(func.count()).select_from(table)).scalar_one())


async def test_runs_that_nobody_took_are_late(store: Store) -> None:
    """After fifteen seconds, with their own time kept; later ones are left."""
    overdue = await run_in(store, scheduled(NOW - 16 * SECOND))
    waiting = await run_in(store, scheduled(NOW - 14 * SECOND))
    assert await store.read(late.due, NOW)
    assert await store.write(late.mark, NOW) == 1
    assert await state_of(store, overdue) == ("SCHEDULED", "Late")
    assert await state_of(store, waiting) == ("SCHEDULED", "Scheduled")
    assert not await store.read(late.due, NOW)
    at = await store.read(lambda c: c.execute(select(t.flow_run.c.next_scheduled_start_time).where(t.flow_run.c.id == overdue)).scalar())
    assert at == NOW - 16 * SECOND


async def test_pauses_end(store: Store) -> None:
    """In a failure, when their time is over; one without a time lasts."""
    over = propose(StateType.PAUSED, details={"pause_timeout": to_iso(NOW + 60 * SECOND)})
    short = await run_in(store, propose(StateType.RUNNING), over)
    long = await run_in(store, propose(StateType.RUNNING), propose(StateType.PAUSED))
    await store.write(expiry.expire, NOW + 59 * SECOND)
    assert (await state_of(store, short))[0] == "PAUSED"
    assert await store.read(expiry.due, NOW + 61 * SECOND)
    await store.write(expiry.expire, NOW + 61 * SECOND)
    assert (await state_of(store, short))[0] == "FAILED"
    assert (await state_of(store, long))[0] == "PAUSED"


async def test_cancellations_that_nobody_carries_out_end(store: Store) -> None:
    """Of foreign clients, after five minutes."""
    run = await run_in(store, propose(StateType.RUNNING), propose(StateType.CANCELLING))
    await store.write(expiry.expire, NOW + 299 * SECOND)
    assert (await state_of(store, run))[0] == "CANCELLING"
    await store.write(expiry.expire, NOW + 301 * SECOND)
    assert (await state_of(store, run))[0] == "CANCELLED"


async def test_who_is_silent_is_offline(store: Store) -> None:
    """The worker, then its pool, its queue and its deployments."""
    pool, queue = await store.write(make_pool)
    await store.write(make_deployment, queue)
    request = SessionRequest(kind="worker", name="w", work_pool=f"pool-{pool}", heartbeat_s=10)
    opened = await store.write(open_session, request, ServerConfig(Path("/nowhere")), NOW)
    await store.write(claim, ClaimRequest(session=opened.session, slots=1), opened.secret, NOW + SECOND)

    def statuses(conn: Connection) -> list[str]:
        return [conn.execute(select(table.c.status)).scalar_one() for table in (t.worker, t.work_pool, t.work_queue, t.deployment)]

    assert await store.read(statuses) == ["ONLINE", "READY", "READY", "READY"]
    assert not await store.read(foreman.due, NOW + 20 * SECOND)
    await store.write(foreman.inspect, NOW + 40 * SECOND)
    assert await store.read(statuses) == ["OFFLINE", "NOT_READY", "READY", "READY"]
    await store.write(foreman.inspect, NOW + 70 * SECOND)
    assert await store.read(statuses) == ["OFFLINE", "NOT_READY", "NOT_READY", "NOT_READY"]


async def test_old_runs_go_with_all_they_have(store: Store) -> None:
    """In chunks; what has not ended, and what is young, stays."""
    pool, queue = await store.write(make_pool)
    flow, deployment = await store.write(make_deployment, queue)
    new = NewRun(flow, scheduled(NOW), deployment_id=deployment, work_pool_id=pool, work_queue_id=queue)
    await store.write(create_flow_run, new, NOW)
    request = SessionRequest(kind="worker", name="w", work_pool=f"pool-{pool}")
    opened = await store.write(open_session, request, ServerConfig(Path("/nowhere")), NOW)
    run = (await store.write(claim, ClaimRequest(session=opened.session, slots=1), opened.secret, NOW)).reply.runs[0]
    lines: list[Any] = [("stdout", n + 1, NOW, 20, "f", "x", None) for n in range(2_500)]
    batch = LogBatch(run_id=run.run_id, attempt=1, lines=lines)
    await store.write(report, ReportRequest(session=opened.session, logs=[batch]), opened.secret, NOW)
    await store.write(propose_state, run.run_id, propose(StateType.COMPLETED), NOW + 1, force=True)
    await run_in(store, propose(StateType.RUNNING))
    await run_in(store, propose(StateType.COMPLETED), at=NOW + 9 * DAY)
    await store.write(lambda conn: conn.execute(insert(t.log).values(timestamp=NOW, level=20, name="of no run", message="x")))
    rounds = 0
    while await store.write(delete_old_runs, NOW + DAY):
        rounds += 1
    assert rounds == 3
    assert (await count(store, t.flow_run), await count(store, t.log), await count(store, t.lease)) == (2, 0, 0)
    assert await count(store, t.flow_run_state) == 2


async def test_old_sessions_go_when_they_hold_nothing(store: Store) -> None:
    """One that still has a lease is needed."""
    pool, queue = await store.write(make_pool)
    flow, deployment = await store.write(make_deployment, queue)
    await store.write(create_flow_run, NewRun(flow, scheduled(NOW), deployment_id=deployment, work_pool_id=pool, work_queue_id=queue), NOW)
    request = SessionRequest(kind="worker", name="w", work_pool=f"pool-{pool}")
    holder, idle = [await store.write(open_session, request, ServerConfig(Path("/nowhere")), NOW) for _ in range(2)]
    await store.write(claim, ClaimRequest(session=holder.session, slots=1), holder.secret, NOW)
    await store.write(delete_old_sessions, NOW + DAY)
    left = await store.read(lambda conn: list(conn.execute(select(t.session.c.id)).scalars()))
    assert left == [holder.session] != [idle.session]


async def test_the_floor_under_the_reaper(store: Store) -> None:
    """A lease long after each gap nothing is reaped; ticks without a gap let it work."""
    lease = 30 * SECOND

    async def tick(seconds: float) -> bool:
        return await store.write(floor.tick, NOW + round(seconds * SECOND), lease)

    assert [await tick(seconds) for seconds in (0, 5, 14, 22, 29)] == [False] * 5
    assert await tick(31)
    assert not await tick(50), "nineteen seconds without a tick"
    assert [await tick(seconds) for seconds in (58, 66, 74, 79)] == [False] * 4
    assert await tick(81)
    assert not await tick(70), "a clock that went back"


class Failing:
    """A service whose first round fails."""

    name = "failing"

    def __init__(self) -> None:
        self.rounds = 0

    async def round(self) -> float:
        self.rounds += 1
        raise ValueError("a mistake")


async def test_a_crew_starts_and_stops_at_any_time() -> None:
    """Stopping before the start, twice, starting twice: all legal; a round that fails ends nothing."""
    service = Failing()
    crew = Crew([service])
    await crew.stop()
    await crew.start()
    await crew.start()
    await asyncio.sleep(0)
    assert service.rounds == 1
    await crew.stop()
    await crew.stop()
