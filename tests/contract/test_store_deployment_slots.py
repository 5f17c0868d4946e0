"""Slots of deployments whose holders fall silent (contract 5.7): what lapses, who begins then, and what the late one still may."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, select, update

from flowhand.clock import SystemClock
from flowhand.wire.states import StateType
from flowhand_server.orchestration.state import LEASE, Verdict, propose, scheduled
from flowhand_server.store import deployment_slots
from flowhand_server.store import tables as t
from flowhand_server.store.errors import Refused
from flowhand_server.store.flow_runs import NewRun, Outcome, create_flow_run, propose_state
from flowhand_server.store.limits import used_by_deployments
from flowhand_server.store.notices import Notice
from flowhand_server.store.slots import renew_lease
from flowhand_server.store.store import Store
from support.databases import make_deployment

pytestmark = pytest.mark.anyio
START = SystemClock().now_us()
MINUTE = 60_000_000
PENDING, RUNNING, COMPLETED = StateType.PENDING, StateType.RUNNING, StateType.COMPLETED


async def _one_at_a_time(store: Store) -> tuple[str, list[str]]:
    flow, deployment = await store.write(make_deployment, concurrency_limit=1)
    new = NewRun(flow, scheduled(START - MINUTE), deployment_id=deployment)
    return deployment, [(await store.write(create_flow_run, new, START)).id for _ in range(3)]


async def _propose(store: Store, run: str, kind: StateType, now: int) -> Outcome:
    return await store.write(propose_state, run, propose(kind), now, renews=True)


async def _used(store: Store, deployment: str) -> int:
    return (await store.read(used_by_deployments, [deployment])).get(deployment, 0)


def _lease(outcome: Outcome) -> str:
    """That which the run's state names; empty without one."""
    assert outcome.state is not None
    return outcome.state.details.get(LEASE) or ""


async def test_a_client_that_stops_renewing_loses_its_slot(store: Store) -> None:
    """Its run stays Running, the next one begins; what it says at last changes nothing for that one."""
    deployment, (dead, heir, third) = await _one_at_a_time(store)
    await _propose(store, dead, PENDING, START)
    lease = _lease(await _propose(store, dead, RUNNING, START))
    await store.write(renew_lease, lease, 300, START + 4 * MINUTE)
    assert (await _propose(store, heir, PENDING, START + 8 * MINUTE)).status is Verdict.REJECT
    late = START + 10 * MINUTE
    with pytest.raises(Refused):
        await store.write(renew_lease, lease, 300, late)
    assert _lease(await _propose(store, heir, PENDING, late)) not in {"", lease}
    assert await _used(store, deployment) == 1
    assert (await _propose(store, dead, COMPLETED, late)).status is Verdict.ACCEPT
    assert await _used(store, deployment) == 1
    assert (await _propose(store, third, PENDING, late)).status is Verdict.REJECT


async def test_a_slot_lost_before_the_run_began(store: Store) -> None:
    """Taken by another: the run is cancelled when it wants to begin. Still free: it begins with a new lease."""
    deployment, (slow, quick, _) = await _one_at_a_time(store)
    await _propose(store, slow, PENDING, START)
    first = _lease(await _propose(store, quick, PENDING, START + 6 * MINUTE))
    refused = await _propose(store, slow, RUNNING, START + 6 * MINUTE)
    assert refused.status is Verdict.REJECT
    assert refused.state is not None
    assert refused.state.type is StateType.CANCELLED
    assert "lost during provisioning" in refused.reason
    assert _lease(await _propose(store, quick, RUNNING, START + 12 * MINUTE)) not in {"", first}
    assert await _used(store, deployment) == 1


async def test_a_grace_period_of_the_deployment(store: Store) -> None:
    """`grace_period_seconds` is how long a run may take from Pending to Running."""
    deployment, (first, second, _) = await _one_at_a_time(store)
    await store.write(_grant, deployment, 900)
    await _propose(store, first, PENDING, START)
    assert (await _propose(store, second, PENDING, START + 14 * MINUTE)).status is Verdict.REJECT
    assert (await _propose(store, second, PENDING, START + 15 * MINUTE)).status is Verdict.ACCEPT


def _grant(conn: Connection, deployment: str, seconds: int) -> None:
    options = {"collision_strategy": "ENQUEUE", "grace_period_seconds": seconds}
    conn.execute(update(t.deployment).where(t.deployment.c.id == deployment).values(concurrency_options=options))


async def test_the_service_gives_lapsed_slots_back_once_and_says_so(store: Store) -> None:
    """Whoever waits for a slot is woken; a lapsed lease is not looked at again, one of a deleted run is forgotten."""
    deployment, (run, gone, _) = await _one_at_a_time(store)
    heard: list[Notice] = []
    await _propose(store, run, PENDING, START)
    assert not await store.read(deployment_slots.any_over, START + 4 * MINUTE)
    assert await store.read(deployment_slots.any_over, START + 5 * MINUTE)
    store.listen(heard.extend)
    assert await store.write(deployment_slots.sweep, START + 5 * MINUTE) == 1
    assert await _used(store, deployment) == 0
    assert ("freed", deployment) in {(notice.topic, notice.deployment) for notice in heard}
    assert not await store.read(deployment_slots.any_over, START + 6 * MINUTE)
    lease = _lease(await _propose(store, gone, PENDING, START + 6 * MINUTE))
    await store.write(_delete_run, gone)
    await store.write(deployment_slots.sweep, START + 12 * MINUTE)
    assert not await store.read(_exists, lease)


def _delete_run(conn: Connection, run: str) -> None:
    conn.execute(t.flow_run.delete().where(t.flow_run.c.id == run))


def _exists(conn: Connection, lease: str) -> bool:
    return conn.execute(select(t.concurrency_lease.c.id).where(t.concurrency_lease.c.id == lease)).first() is not None
