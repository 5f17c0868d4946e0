"""Background tasks: each is given to one subscriber, and to another when that one does not answer."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Connection

from flowhand.clock import SystemClock
from flowhand.wire.task_runs import TaskRunCreate
from flowhand_server.orchestration.state import propose
from flowhand_server.store import background_tasks
from flowhand_server.store.notices import Notice
from flowhand_server.store.store import Store
from flowhand_server.store.task_run_states import propose_task_state
from flowhand_server.store.task_runs import create_task_run

pytestmark = pytest.mark.anyio
NOW = SystemClock().now_us()
KEY = "add-1"


def _defer(conn: Connection, number: int, key: str = KEY) -> str:
    state = {"type": "SCHEDULED", "state_details": {"deferred": True}}
    body = TaskRunCreate.model_validate({"task_key": key, "dynamic_key": str(number), "state": state})
    return create_task_run(conn, body, NOW + number)[0]["id"]


async def _offered(store: Store, now: int = NOW) -> str | None:
    offer = await store.write(background_tasks.offer, [KEY], now)
    return offer.run["id"] if offer else None


async def test_each_is_given_to_one(store: Store) -> None:
    """Eight subscribers at once, the oldest first; only runs of the tasks that they ask for."""
    heard: list[Notice] = []
    store.listen(heard.extend)
    made = [await store.write(_defer, number) for number in range(5)]
    assert "task" in {notice.topic for notice in heard}
    await store.write(_defer, 9, "another")
    first = await _offered(store)
    others = await asyncio.gather(*(_offered(store) for _ in range(8)))
    assert first == made[0]
    assert sorted(one for one in others if one) == sorted(made[1:])


async def test_an_offer_without_an_answer_lapses(store: Store) -> None:
    """After 30 s, or at once when the subscriber is known to have gone; one that was taken is not offered again."""
    made = await store.write(_defer, 1)
    assert await _offered(store) == made
    assert await _offered(store, NOW + 29_000_000) is None
    assert await _offered(store, NOW + 31_000_000) == made
    await store.write(background_tasks.taken, made)
    assert await _offered(store, NOW + 90_000_000) is None


async def test_who_goes_without_an_answer_takes_back_its_own_offer_alone(store: Store) -> None:
    """Others hear of it at once; an offer that lapsed and went to another stays with that one."""
    heard: list[Notice] = []
    made = await store.write(_defer, 1)
    first = await store.write(background_tasks.offer, [KEY], NOW)
    second = await store.write(background_tasks.offer, [KEY], NOW + 31_000_000)
    assert first is not None
    assert second is not None
    store.listen(heard.extend)
    await store.write(background_tasks.withdraw, made, first.until)
    assert await _offered(store, NOW + 32_000_000) is None
    assert not heard
    await store.write(background_tasks.withdraw, made, second.until)
    assert await _offered(store, NOW + 32_000_000) == made
    assert [notice.topic for notice in heard] == ["task"]


async def test_one_that_was_cancelled_meanwhile_is_not_offered(store: Store) -> None:
    """The next one is."""
    first, second = [await store.write(_defer, number) for number in range(2)]
    await store.write(propose_task_state, first, propose("CANCELLED"), NOW, force=True)
    assert await _offered(store) == second
    assert not await store.read(background_tasks.any_waits, [KEY], NOW)


async def test_subscribers_are_listed_while_they_are_there(store: Store) -> None:
    """Two connections of one worker are one; who is not heard of any more is forgotten."""
    await store.write(background_tasks.arrive, "s1", "one", ["a", "b"], NOW)
    await store.write(background_tasks.arrive, "s2", "one", ["c"], NOW)
    await store.write(background_tasks.arrive, "s3", "two", ["c"], NOW)
    await store.write(background_tasks.stay, "s3", NOW + 25_000_000)
    found = await store.read(background_tasks.subscribers, None, NOW)
    assert [(one["identifier"], one["task_keys"]) for one in found] == [("one", ["a", "b", "c"]), ("two", ["c"])]
    assert [one["identifier"] for one in await store.read(background_tasks.subscribers, ["a"], NOW)] == ["one"]
    assert [one["identifier"] for one in await store.read(background_tasks.subscribers, None, NOW + 40_000_000)] == ["two"]
    await store.write(background_tasks.leave, "s3")
    assert await store.read(background_tasks.subscribers, ["c"], NOW + 40_000_000) == []
