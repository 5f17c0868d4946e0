"""`/work_queues`, by id and without a pool (contract 10)."""

from __future__ import annotations

from fastapi import APIRouter, Response
from starlette.background import BackgroundTask

from flowhand.clock import to_micros
from flowhand.wire.filters import WorkQueueQuery
from flowhand.wire.flow_runs import FlowRun
from flowhand.wire.pool_types import AGENT_POOL
from flowhand.wire.work_pools import DueForQueue, WorkQueue, WorkQueueCreate, WorkQueueStatus, WorkQueueUpdate
from flowhand_server.routes.context import Key, Now, StoreDep, check_limit, nothing, reply, shows
from flowhand_server.store import scheduled, work_queues

router = APIRouter(prefix="/work_queues", tags=["Work queues"])


@router.post("/", status_code=201, responses=shows(WorkQueue, 201))
async def create_queue(body: WorkQueueCreate, store: StoreDep, now: Now) -> Response:
    """A new queue of the agents' pool."""
    return reply(await store.write(work_queues.create_queue, None, body, now), 201)


@router.post("/filter", responses=shows(list[WorkQueue]))
async def find_queues(query: WorkQueueQuery, store: StoreDep) -> Response:
    """Queues of all pools that fit."""
    check_limit(query.limit)
    return reply(await store.read(work_queues.find_queues, query))


@router.get("/name/{name}", responses=shows(WorkQueue))
async def read_queue_by_name(name: str, store: StoreDep) -> Response:
    """One queue of the agents' pool."""
    return reply(await store.read(work_queues.read_queue_by_name, AGENT_POOL, name))


@router.get("/{queue_id:uuid}", responses=shows(WorkQueue))
async def read_queue(queue_id: Key, store: StoreDep) -> Response:
    """One queue."""
    return reply(await store.read(work_queues.read_queue, str(queue_id)))


@router.patch("/{queue_id:uuid}", status_code=204, response_class=Response)
async def update_queue(queue_id: Key, body: WorkQueueUpdate, store: StoreDep, now: Now) -> Response:
    """Changes a queue."""
    await store.write(work_queues.update_queue, str(queue_id), body, now)
    return nothing()


@router.delete("/{queue_id:uuid}", status_code=204, response_class=Response)
async def delete_queue(queue_id: Key, store: StoreDep) -> Response:
    """Deletes a queue."""
    await store.write(work_queues.delete_queue, str(queue_id))
    return nothing()


@router.get("/{queue_id:uuid}/status", responses=shows(WorkQueueStatus))
async def queue_status(queue_id: Key, store: StoreDep, now: Now) -> Response:
    """Whether a queue is polled and keeps up."""
    return reply(await store.read(work_queues.queue_status, str(queue_id), now))


@router.post("/{queue_id:uuid}/get_runs", responses=shows(list[FlowRun]))
async def due_runs(queue_id: Key, body: DueForQueue, store: StoreDep, now: Now) -> Response:
    """A queue's due runs, the earliest first."""
    until = to_micros(body.scheduled_before) if body.scheduled_before else None
    response = reply(await store.read(scheduled.due_for_queue, str(queue_id), until, check_limit(body.limit), now))
    response.background = BackgroundTask(store.write, scheduled.polled_queue, str(queue_id), now)
    return response
