"""`/v2/concurrency_limits` and `/concurrency_limits` (contract 10)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from flowhand.wire.concurrency import (
    Decrement,
    DecrementWithLease,
    GlobalLimit,
    Increment,
    IncrementWithLease,
    Limit,
    LimitCreate,
    LimitUpdate,
    RenewLease,
    ResetTag,
    TagLimit,
    TagLimitCreate,
    TagSlots,
    TakenLimit,
    TakenLimits,
)
from flowhand.wire.filters import Window
from flowhand_server.routes.context import Key, Now, StoreDep, check_limit, created, nothing, reply, shows, shows_created
from flowhand_server.store import concurrency, slots, tag_limits

v2 = APIRouter(prefix="/v2/concurrency_limits", tags=["Concurrency limits"])
v1 = APIRouter(prefix="/concurrency_limits", tags=["Concurrency limits by tag"])


def _taken(outcome: Any) -> Response:
    """What was taken, or 423 with the time after which to ask again."""
    if isinstance(outcome, slots.Wait):
        response = reply({"detail": "Locked"}, 423)
        response.headers["Retry-After"] = f"{outcome.seconds:.3f}"
        return response
    return reply(outcome)


@v2.post("/", status_code=201, responses=shows(Limit, 201))
async def create_limit(body: LimitCreate, store: StoreDep, now: Now) -> Response:
    """A new limit."""
    return reply(await store.write(concurrency.create_limit, body, now), 201)


@v2.post("/filter", responses=shows(list[GlobalLimit]))
async def find_limits(window: Window, store: StoreDep, now: Now) -> Response:
    """All limits."""
    check_limit(window.limit)
    return reply(await store.read(concurrency.find_limits, window, now))


@v2.post("/increment", responses=shows(list[TakenLimit]))
async def increment(body: Increment, store: StoreDep, now: Now) -> Response:
    """Takes slots; 423 with Retry-After when there are none."""
    return _taken(await store.write(slots.increment, body, now))


@v2.post("/increment-with-lease", responses=shows(TakenLimits))
async def increment_with_lease(body: IncrementWithLease, store: StoreDep, now: Now) -> Response:
    """Takes slots under a lease; 423 with Retry-After when there are none."""
    return _taken(await store.write(slots.increment_with_lease, body, now))


@v2.post("/decrement", responses=shows(list[TakenLimit]))
async def decrement(body: Decrement, store: StoreDep, now: Now) -> Response:
    """Gives slots back."""
    return reply(await store.write(slots.decrement, body, now))


@v2.post("/decrement-with-lease", status_code=204, response_class=Response)
async def end_lease(body: DecrementWithLease, store: StoreDep) -> Response:
    """Ends a lease."""
    await store.write(slots.end_lease, body.lease_id)
    return nothing()


@v2.post("/leases/{lease_id:uuid}/renew", status_code=204, response_class=Response)
async def renew_lease(lease_id: Key, store: StoreDep, now: Now, body: RenewLease | None = None) -> Response:
    """Makes a lease last; 410 when it has run out."""
    await store.write(slots.renew_lease, str(lease_id), (body or RenewLease()).lease_duration, now)
    return nothing()


@v2.get("/{id_or_name}", responses=shows(GlobalLimit))
async def read_limit(id_or_name: str, store: StoreDep, now: Now) -> Response:
    """One limit."""
    return reply(await store.read(concurrency.read_limit, id_or_name, now))


@v2.patch("/{id_or_name}", status_code=204, response_class=Response)
async def update_limit(id_or_name: str, body: LimitUpdate, store: StoreDep, now: Now) -> Response:
    """Changes a limit."""
    await store.write(concurrency.update_limit, id_or_name, body, now)
    return nothing()


@v2.delete("/{id_or_name}", status_code=204, response_class=Response)
async def delete_limit(id_or_name: str, store: StoreDep) -> Response:
    """Deletes a limit."""
    await store.write(concurrency.delete_limit, id_or_name)
    return nothing()


# --- by tag ----------------------------------------------------------------------------------------------------------------------------


@v1.post("/", responses=shows_created(TagLimit))
async def set_tag_limit(body: TagLimitCreate, store: StoreDep, now: Now) -> Response:
    """The limit of a tag, made or changed."""
    return created(*await store.write(tag_limits.set_tag_limit, body, now))


@v1.post("/filter", responses=shows(list[TagLimit]))
async def find_tag_limits(window: Window, store: StoreDep, now: Now) -> Response:
    """All limits by tag."""
    check_limit(window.limit)
    return reply(await store.read(tag_limits.find_tag_limits, window, now))


@v1.post("/increment", responses=shows(list[TakenLimit]))
async def take_tag_slots(body: TagSlots, store: StoreDep, now: Now) -> Response:
    """Takes a slot of each tag for a task run; 423 with Retry-After when there is none."""
    return _taken(await store.write(tag_limits.take_tag_slots, body, now))


@v1.post("/decrement", responses=shows(list[TakenLimit]))
async def free_tag_slots(body: TagSlots, store: StoreDep, now: Now) -> Response:
    """Gives back the slots of a task run."""
    return reply(await store.write(tag_limits.free_tag_slots, body, now))


@v1.get("/tag/{tag}", responses=shows(TagLimit))
async def read_limit_of_tag(tag: str, store: StoreDep, now: Now) -> Response:
    """The limit of a tag."""
    return reply(await store.read(tag_limits.read_tag_limit, tag_limits.PREFIX + tag, now))


@v1.post("/tag/{tag}/reset")
async def reset_tag_limit(tag: str, store: StoreDep, now: Now, body: ResetTag | None = None) -> Response:
    """Takes a tag's slots from all who hold them."""
    await store.write(tag_limits.reset_tag_limit, tag, body or ResetTag(), now)
    return reply(None)


@v1.delete("/tag/{tag}")
async def delete_limit_of_tag(tag: str, store: StoreDep, now: Now) -> Response:
    """Deletes the limit of a tag."""
    await store.write(tag_limits.delete_tag_limit, tag_limits.PREFIX + tag, now)
    return reply(None)


@v1.get("/{limit_id:uuid}", responses=shows(TagLimit))
async def read_tag_limit(limit_id: Key, store: StoreDep, now: Now) -> Response:
    """A limit by tag."""
    return reply(await store.read(tag_limits.read_tag_limit, str(limit_id), now))


@v1.delete("/{limit_id:uuid}")
async def delete_tag_limit(limit_id: Key, store: StoreDep, now: Now) -> Response:
    """Deletes a limit by tag."""
    await store.write(tag_limits.delete_tag_limit, str(limit_id), now)
    return reply(None)
