"""Who waits for a slot is woken when one becomes free of what it waits for, and by nothing else: claims that wait at a desk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import anyio
import orjson
import pytest
from sqlalchemy import Connection, func, select, update

from flowhand.clock import SystemClock
from flowhand.wire.concurrency import Decrement, IncrementWithLease, LimitCreate
from flowhand.wire.runner import ClaimRequest, SessionReply, SessionRequest
from flowhand.wire.states import StateType
from flowhand_server.config import ServerConfig
from flowhand_server.dispatch.claiming import Claims
from flowhand_server.dispatch.desk import Desk
from flowhand_server.orchestration.state import Verdict, propose, scheduled
from flowhand_server.store import deployment_slots, slots
from flowhand_server.store import tables as t
from flowhand_server.store.concurrency import create_limit
from flowhand_server.store.flow_run_changes import delete_flow_run
from flowhand_server.store.flow_runs import NewRun, create_flow_run, propose_state
from flowhand_server.store.notices import Notice
from flowhand_server.store.postgresql_notify import CHANNEL
from flowhand_server.store.sessions import open_session
from flowhand_server.store.store import Store
from support.databases import make_deployment, make_pool, open_store, prepared_database
from support.following import eventually

pytestmark = pytest.mark.anyio
CLOCK: Final = SystemClock()
SOON_S: Final = 1.0
"""Well below the 5 s after which a claim that waits looks again by itself."""
MINUTE: Final = 60_000_000
HELD: Final = IncrementWithLease(names=["shared"], slots=1, mode="concurrency", lease_duration=600)


@dataclass(slots=True)
class Watched:
    """A store of which is known how often it was read, as a claim does for each look; `after_look` happens once, after the next one."""

    store: Store
    reads: int = 0
    after_look: Callable[[], Awaitable[Any]] | None = None

    async def read(self, *args: Any) -> Any:
        self.reads += 1
        outcome = await self.store.read(*args)
        if self.after_look is not None:
            happens, self.after_look = self.after_look, None
            await happens()
        return outcome

    async def write(self, *args: Any, **kwargs: Any) -> Any:
        return await self.store.write(*args, **kwargs)


@dataclass(slots=True)
class Place:
    """A deployment with a pool of its own."""

    pool: str
    queue: str
    flow: str
    deployment: str


@dataclass(slots=True)
class House:
    """A desk on a store."""

    store: Watched
    desk: Desk = field(default_factory=lambda: Desk(CLOCK))
    claims: Claims = field(init=False)

    def __post_init__(self) -> None:
        self.claims = Claims(cast("Store", self.store), self.desk, CLOCK)
        self.store.store.listen(self.desk.notice)
        self.store.store.follow(self.desk.follow)

    async def shared_limit(self) -> str:
        return (await self.store.write(create_limit, LimitCreate(name="shared", limit=1), CLOCK.now_us()))["id"]

    async def place(self, limit: str | None = None, **pool_fields: Any) -> Place:
        pool, queue = await self.store.write(make_pool, **pool_fields)
        fields = {"concurrency_limit": 1, "global_concurrency_limit_id": limit} if limit else {}
        return Place(pool, queue, *await self.store.write(make_deployment, queue, **fields))

    async def run(self, place: Place) -> str:
        now = CLOCK.now_us()
        new = NewRun(place.flow, scheduled(now), deployment_id=place.deployment, work_pool_id=place.pool, work_queue_id=place.queue)
        return (await self.store.write(create_flow_run, new, now)).id

    async def state(self, run: str, kind: StateType) -> None:
        """As a foreign client says it, which renews leases."""
        assert (await self.store.write(propose_state, run, propose(kind), CLOCK.now_us(), renews=True)).status is Verdict.ACCEPT

    async def hold(self) -> str:
        """The lease over the slot of the shared limit."""
        return (await self.store.write(slots.increment_with_lease, HELD, CLOCK.now_us()))["lease_id"]

    async def session(self, place: Place) -> SessionReply:
        """A new worker of the place's pool, of whom all that wait are told."""
        about = SessionRequest(kind="worker", name="w", work_pool=f"pool-{place.pool}")
        return await self.store.write(open_session, about, ServerConfig(Path("/nowhere")), CLOCK.now_us())

    async def claim(self, place: Place, session: SessionReply | None = None) -> list[str]:
        """What a worker of the place's pool is given, which waits for it; a new one unless it has a session."""
        session = session or await self.session(place)
        request = ClaimRequest(session=session.session, slots=1, wait_s=20)
        reply = await self.claims.answer(request, session.secret, asyncio.get_running_loop().create_future())
        return [run.run_id for run in reply.runs]

    async def woken(self, place: Place, free: Callable[[], Awaitable[Any]]) -> list[str]:
        """What a claim that waits is given soon after `free`."""
        with _ended(asyncio.create_task(self.claim(place))) as waiting:
            await eventually(lambda: self.desk.waiting == 1)
            await free()
            return await asyncio.wait_for(waiting, SOON_S)


@contextmanager
def _ended(task: asyncio.Task[Any]) -> Generator[asyncio.Task[Any]]:
    try:
        yield task
    finally:
        task.cancel()


@pytest.fixture
def house(store: Store) -> House:
    """On either database."""
    return House(Watched(store))


@pytest.mark.parametrize("deployments", [1, 2])
@pytest.mark.parametrize("how", ["lease ended", "lease expired", "given back"])
async def test_a_slot_that_code_gives_back_wakes_a_deployment(house: House, how: str, deployments: int) -> None:
    """Code takes slots by the limit's name: whether one deployment draws from it or more, and however the slot comes back."""
    limit = await house.shared_limit()
    place, *_ = [await house.place(limit) for _ in range(deployments)]
    lease, run = await house.hold(), await house.run(place)

    async def free() -> None:
        if how == "lease ended":
            await house.store.write(slots.end_lease, lease)
        elif how == "lease expired":
            await house.store.write(slots.collect_expired, CLOCK.now_us() + 20 * MINUTE)
        else:
            await house.store.write(slots.decrement, Decrement(names=["shared"], slots=1), CLOCK.now_us())

    assert await house.woken(place, free) == [run]


@pytest.mark.parametrize("how", ["ended", "lapsed", "deleted"])
async def test_a_run_in_another_pool_that_holds_the_slot_wakes_who_waits(house: House, how: str) -> None:
    """When it ends, when its client stops renewing the lease, when it is removed: all of them name the limit."""
    limit = await house.shared_limit()
    here, there = await house.place(limit), await house.place(limit)
    holder = await house.run(there)
    await house.state(holder, StateType.PENDING)
    run = await house.run(here)

    async def free() -> None:
        if how == "ended":
            await house.state(holder, StateType.CANCELLED)
        elif how == "lapsed":
            await house.store.write(deployment_slots.lapse, CLOCK.now_us() + 20 * MINUTE)
        else:
            await house.store.write(delete_flow_run, holder)

    assert await house.woken(here, free) == [run]


@pytest.mark.parametrize("limited", ["pool", "queue"])
@pytest.mark.parametrize("how", [StateType.COMPLETED, StateType.CANCELLING])
async def test_room_in_a_full_pool_or_queue_wakes_who_waits(house: House, limited: str, how: StateType) -> None:
    """Also when a run is being cancelled, which neither counts (contract 5.6)."""
    place = await house.place(concurrency_limit=1 if limited == "pool" else None)
    if limited == "queue":
        await house.store.write(_limit_queue, place.queue)
    holder = await house.run(place)
    for state in (StateType.PENDING, StateType.RUNNING):
        await house.state(holder, state)
    run = await house.run(place)
    assert await house.woken(place, lambda: house.state(holder, how)) == [run]


async def test_a_slot_that_becomes_free_during_a_look_is_not_missed(house: House) -> None:
    """The look saw the slot taken, and nobody waited yet who could be woken."""
    place = await house.place(await house.shared_limit())
    lease, run = await house.hold(), await house.run(place)

    async def after_the_first() -> None:
        house.store.after_look = lambda: house.store.write(slots.end_lease, lease)

    house.store.after_look = after_the_first  # a session looks twice before it waits for the first time
    with _ended(asyncio.create_task(house.claim(place))) as claim:
        assert await asyncio.wait_for(claim, SOON_S) == [run]


async def test_slots_of_other_limits_make_nobody_look(house: House) -> None:
    """Pools wait for a shared limit while runs without a limit end, there and elsewhere, during a look too: a full limit costs nothing."""
    limit = await house.shared_limit()
    await house.hold()
    places = [await house.place(limit) for _ in range(3)]
    for place in places:
        await house.run(place)

    async def end_elsewhere() -> None:
        house.desk.notice([Notice("freed", pool="elsewhere", deployment="unlimited")])
        house.store.after_look = end_elsewhere

    await end_elsewhere()
    sessions = [await house.session(place) for place in places]
    waiting = [asyncio.create_task(house.claim(*one)) for one in zip(places, sessions, strict=True)]
    await eventually(lambda: house.desk.waiting == len(places))
    looks = house.store.reads
    assert looks == 2 * len(places)  # a session looks twice before it waits for the first time
    for number in range(100):
        house.desk.notice([Notice("freed", pool=f"pool {number}", queue="elsewhere", deployment="unlimited")])
        house.desk.notice([Notice("freed", pool=places[0].pool, queue=places[0].queue, deployment="unlimited")])
    await anyio.wait_all_tasks_blocked()
    assert (house.store.reads - looks, house.desk.waiting) == (0, len(places))
    house.desk.notice([Notice("freed", key=limit)])
    await eventually(lambda: house.store.reads - looks == len(places))
    for claim in waiting:
        claim.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


@pytest.fixture
async def replicas(postgres_url: str) -> AsyncGenerator[tuple[House, Store]]:
    """A house, and another replica on its database."""
    url = prepared_database(postgres_url)
    one, other = open_store(url), open_store(url)
    heard: list[str] = []
    one.listen(lambda notices: heard.extend(notice.topic for notice in notices))
    await eventually(lambda: "config" in heard)  # it listens
    yield House(Watched(one)), other
    await one.close()
    await other.close()


async def test_a_slot_given_back_at_another_replica_wakes_who_waits(replicas: tuple[House, Store]) -> None:
    """By the limit's id, which the notice carries across."""
    house, other = replicas
    place = await house.place(await house.shared_limit())
    lease, run = await house.hold(), await house.run(place)
    assert await house.woken(place, lambda: other.write(slots.end_lease, lease)) == [run]


async def test_a_replica_of_an_earlier_version_is_understood(replicas: tuple[House, Store]) -> None:
    """Its notice has every field, and names the deployment and no limit."""
    house, other = replicas
    place = await house.place(await house.shared_limit())
    _, run = await house.hold(), await house.run(place)
    told = {"topic": "freed", "key": None, "pool": None, "queue": None, "deployment": place.deployment, "at": 0, "served": False}

    def free(conn: Connection) -> None:
        conn.execute(update(t.concurrency_limit).values(active_slots=0))
        conn.execute(select(func.pg_notify(CHANNEL, orjson.dumps(["an earlier one", [told]]).decode())))

    assert await house.woken(place, lambda: other.write(free)) == [run]


def _limit_queue(conn: Connection, queue: str) -> None:
    conn.execute(update(t.work_queue).where(t.work_queue.c.id == queue).values(concurrency_limit=1))
