"""The order of a pool's queues while several change it at once: no two have the same priority, and nobody waits in a circle."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from sqlalchemy import Connection, select

from flowhand.wire.deployments import DeploymentFlowRunCreate
from flowhand.wire.work_pools import WorkPoolCreate, WorkQueueCreate, WorkQueueUpdate
from flowhand_server.store import tables as t
from flowhand_server.store.deployment_runs import create_deployment_runs
from flowhand_server.store.store import Store
from flowhand_server.store.work_pools import create_pool
from flowhand_server.store.work_queues import create_queue, ensure_queue, update_queue
from support.databases import deadlocks, make_deployment, make_pool, open_store, prepared_database

pytestmark = pytest.mark.anyio
MANY = 24


def _queues(conn: Connection) -> dict[str, int]:
    return {row.name: row.priority for row in conn.execute(select(t.work_queue.c.name, t.work_queue.c.priority))}


async def _pool(store: Store) -> str:
    return (await store.write(create_pool, WorkPoolCreate(name="p"), 1))["id"]


async def test_queues_that_are_made_at_once(store: Store) -> None:
    """Whether they ask for the same priority or for the next free one."""
    pool = await _pool(store)
    asked = (store.write(create_queue, "p", WorkQueueCreate(name=f"asked-{number}", priority=1), 1) for number in range(MANY))
    free = (store.write(create_queue, "p", WorkQueueCreate(name=f"free-{number}"), 1) for number in range(MANY))
    needed = (store.write(ensure_queue, pool, f"needed-{number}", 1) for number in range(MANY))
    await asyncio.gather(*(one for three in zip(asked, free, needed, strict=True) for one in three))
    order = await store.read(_queues)
    assert sorted(order.values()) == list(range(1, 3 * MANY + 2))


async def test_queues_that_are_moved_at_once(store: Store) -> None:
    """To the same place, all of them."""
    await _pool(store)
    made = [await store.write(create_queue, "p", WorkQueueCreate(name=f"q{number}"), 1) for number in range(MANY)]
    await asyncio.gather(*(store.write(update_queue, queue["id"], WorkQueueUpdate(priority=5), 1) for queue in made))
    order = list((await store.read(_queues)).values())
    assert len(set(order)) == len(order) == MANY + 1


async def test_a_queue_that_several_need_at_once(store: Store) -> None:
    """It is made once, and all of them are given that one."""
    pool = await _pool(store)
    found = await asyncio.gather(*(store.write(ensure_queue, pool, "q", 1) for _ in range(MANY)))
    assert len(set(found)) == 1
    assert await store.read(_queues) == {"default": 1, "q": 2}


async def test_queues_of_a_pool_that_several_need_at_once(store: Store) -> None:
    """The agents' pool is made with the first of them; none is refused because another has just made it."""
    await asyncio.gather(*(store.write(create_queue, None, WorkQueueCreate(name=f"q{number}"), 1) for number in range(MANY)))
    assert sorted((await store.read(_queues)).values()) == list(range(1, MANY + 2))


async def test_runs_for_a_new_queue_beside_a_claim(postgres_url: str) -> None:
    """A claim locks the pool, then its deployments. Who makes runs in bulk has its queues made before the runs hold the deployment."""
    url = prepared_database(postgres_url)
    store = open_store(url)
    pool, queue = await store.write(make_pool)
    _, deployment = await store.write(make_deployment, queue)
    bodies = [DeploymentFlowRunCreate(), DeploymentFlowRunCreate(work_queue_name="new")]
    async with await psycopg.AsyncConnection.connect(url) as claim:
        await claim.execute("SELECT 1 FROM work_pool WHERE id = %s FOR UPDATE", [pool])
        making = asyncio.ensure_future(store.write(create_deployment_runs, deployment, bodies, 1))
        await asyncio.wait_for(_waits(url), 20)
        await claim.execute("SELECT 1 FROM deployment WHERE id = %s FOR UPDATE", [deployment])
    assert [made["status"] for made in await making] == ["CREATED", "CREATED"]
    await store.close()
    assert await asyncio.to_thread(deadlocks, url) == 0


async def _waits(url: str) -> None:
    """Until somebody waits for a lock in this database."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while await (await connection.execute(waiting)).fetchone() == (0,):
            await connection.execute("SELECT pg_sleep(0.02)")
