"""`concurrency_status` of pools and queues: who holds the slots."""

from __future__ import annotations

from fastapi import APIRouter, Response

from flowhand.wire.filters import Page
from flowhand_server.routes.context import Key, Now, StoreDep, check_limit, reply
from flowhand_server.store import slot_holders

router = APIRouter(tags=["Work pools"])


class PoolPage(Page):
    """Which queues of a pool, and how many runs of each."""

    flow_run_limit: int = 10


@router.post("/work_pools/{name}/concurrency_status")
async def pool_status(name: str, page: PoolPage, store: StoreDep, now: Now) -> Response:
    """A pool's slots and, by queue, the runs that hold them."""
    limit = check_limit(page.limit)
    return reply(await store.read(slot_holders.pool_status, name, page.page, limit, check_limit(page.flow_run_limit), now))


@router.post("/work_queues/{queue_id:uuid}/concurrency_status")
async def queue_status(queue_id: Key, page: Page, store: StoreDep, now: Now) -> Response:
    """A queue's slots and the runs that hold them."""
    return reply(await store.read(slot_holders.queue_status, str(queue_id), page.page, check_limit(page.limit), now))
