"""`/work_pools`: pools, their queues, their workers, their due runs (contract 5.6, 10)."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, HTTPException, Response, WebSocket
from starlette.background import BackgroundTask

from flowhand.wire.filters import WorkerQuery, WorkPoolQuery, WorkQueueQuery
from flowhand.wire.work_pools import (
    DueForPool,
    DueRun,
    Heartbeat,
    Worker,
    WorkPool,
    WorkPoolCreate,
    WorkPoolUpdate,
    WorkQueue,
    WorkQueueCreate,
    WorkQueueUpdate,
)
from flowhand_server.routes.client_release import knows_result_storage
from flowhand_server.routes.context import Now, StoreDep, UserAgent, check_limit, nothing, reply, shows
from flowhand_server.store import scheduled, work_pools, work_queues, workers

router = APIRouter(prefix="/work_pools", tags=["Work pools"])
RESERVED: Final = "prefect"
"""Names that begin so are the contract's own."""


def _as_known(user_agent: str, *pools: dict[str, Any]) -> None:
    """Takes what a client does not know out of its answer, where there is nothing in it."""
    if not knows_result_storage(user_agent):
        for pool in pools:
            known: dict[str, Any] = pool["storage_configuration"]
            pool["storage_configuration"] = {name: value for name, value in known.items() if value is not None}


def _not_reserved(name: str) -> None:
    if name.lower().startswith(RESERVED):
        raise HTTPException(403, "Work pools starting with 'Prefect' are reserved for internal use.")


@router.post("/", status_code=201, responses=shows(WorkPool, 201))
async def create_pool(body: WorkPoolCreate, store: StoreDep, now: Now, user_agent: UserAgent = "") -> Response:
    """A new pool with its queue `default`."""
    _not_reserved(body.name)
    pool = await store.write(work_pools.create_pool, body, now)
    _as_known(user_agent, pool)
    return reply(pool, 201)


@router.post("/filter", responses=shows(list[WorkPool]))
async def find_pools(query: WorkPoolQuery, store: StoreDep, user_agent: UserAgent = "") -> Response:
    """Pools that fit."""
    check_limit(query.limit)
    pools = await store.read(work_pools.find_pools, query)
    _as_known(user_agent, *pools)
    return reply(pools)


@router.post("/count", responses=shows(int))
async def count_pools(query: WorkPoolQuery, store: StoreDep) -> Response:
    """How many pools fit."""
    return reply(await store.read(work_pools.count_pools, query.work_pools))


@router.get("/{name}", responses=shows(WorkPool))
async def read_pool(name: str, store: StoreDep, user_agent: UserAgent = "") -> Response:
    """One pool."""
    pool = await store.read(work_pools.read_pool, name)
    _as_known(user_agent, pool)
    return reply(pool)


@router.patch("/{name}", status_code=204, response_class=Response)
async def update_pool(name: str, body: WorkPoolUpdate, store: StoreDep, now: Now) -> Response:
    """Changes a pool; of one with a reserved name only what does not change its making."""
    if name.lower().startswith(RESERVED) and body.model_fields_set - {"is_paused", "concurrency_limit"}:
        _not_reserved(name)
    await store.write(work_pools.update_pool, name, body, now)
    return nothing()


@router.delete("/{name}", status_code=204, response_class=Response)
async def delete_pool(name: str, store: StoreDep) -> Response:
    """Deletes a pool with its queues."""
    _not_reserved(name)
    await store.write(work_pools.delete_pool, name)
    return nothing()


@router.post("/{name}/get_scheduled_flow_runs", responses=shows(list[DueRun]))
async def due_runs(name: str, body: DueForPool, store: StoreDep, now: Now) -> Response:
    """A pool's due runs, in the order its workers are to start them."""
    check_limit(body.limit)
    response = reply(await store.read(scheduled.due_for_pool, name, body, now))
    response.background = BackgroundTask(store.write, scheduled.polled_pool, name, body.work_queue_names, now)
    return response


# --- queues ----------------------------------------------------------------------------------------------------------------------------


@router.post("/{pool}/queues", status_code=201, responses=shows(WorkQueue, 201))
async def create_queue(pool: str, body: WorkQueueCreate, store: StoreDep, now: Now) -> Response:
    """A new queue of the pool."""
    return reply(await store.write(work_queues.create_queue, pool, body, now), 201)


@router.post("/{pool}/queues/filter", responses=shows(list[WorkQueue]))
async def find_queues(pool: str, query: WorkQueueQuery, store: StoreDep) -> Response:
    """The pool's queues that fit, in the order of their priority."""
    check_limit(query.limit)
    return reply(await store.read(work_queues.find_queues, query, pool))


@router.get("/{pool}/queues/{name}", responses=shows(WorkQueue))
async def read_queue(pool: str, name: str, store: StoreDep) -> Response:
    """One queue of the pool."""
    return reply(await store.read(work_queues.read_queue_by_name, pool, name))


@router.patch("/{pool}/queues/{name}", status_code=204, response_class=Response)
async def update_queue(pool: str, name: str, body: WorkQueueUpdate, store: StoreDep, now: Now) -> Response:
    """Changes a queue."""
    queue_id = await store.read(work_queues.queue_id_of, pool, name)
    await store.write(work_queues.update_queue, queue_id, body, now)
    return nothing()


@router.delete("/{pool}/queues/{name}", status_code=204, response_class=Response)
async def delete_queue(pool: str, name: str, store: StoreDep) -> Response:
    """Deletes a queue."""
    await store.write(work_queues.delete_queue, await store.read(work_queues.queue_id_of, pool, name))
    return nothing()


# --- workers ---------------------------------------------------------------------------------------------------------------------------


@router.post("/{pool}/workers/heartbeat", status_code=204, response_class=Response)
async def heartbeat(pool: str, body: Heartbeat, store: StoreDep, now: Now) -> Response:
    """A worker says that it lives."""
    await store.write(workers.heartbeat, pool, body, now)
    return nothing()


@router.post("/{pool}/workers/filter", responses=shows(list[Worker]))
async def find_workers(pool: str, query: WorkerQuery, store: StoreDep, now: Now) -> Response:
    """The pool's workers that fit."""
    check_limit(query.limit)
    return reply(await store.read(workers.find_workers, pool, query, now))


@router.delete("/{pool}/workers/{name}", status_code=204, response_class=Response)
async def delete_worker(pool: str, name: str, store: StoreDep) -> Response:
    """Forgets a worker."""
    await store.write(workers.delete_worker, pool, name)
    return nothing()


@router.post("/{pool}/workers/{name}/drain", status_code=204, response_class=Response)
async def drain_worker(pool: str, name: str, store: StoreDep) -> Response:
    """Has a worker claim no more, end what it runs, and leave."""
    await store.write(workers.drain_worker, pool, name)
    return nothing()


@router.websocket("/{pool}/workers/connect")
async def worker_channel(websocket: WebSocket, pool: str) -> None:
    """Refused, by 403 on the upgrade: the worker then heartbeats and polls over HTTP (contract 8.4)."""
    await websocket.close(1008)
