"""Schedules in the table: each slot once, and only what is wanted after an outage."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update

from flowhand.clock import to_iso
from flowhand.ids import new_id
from flowhand.wire.deployment_schedules import DeploymentScheduleCreate
from flowhand.wire.runner import SessionRequest
from flowhand_server.config import ServerConfig
from flowhand_server.services.scheduler import Scheduler
from flowhand_server.store import tables as t
from flowhand_server.store.deployment_schedules import add_schedules
from flowhand_server.store.errors import Conflict
from flowhand_server.store.scheduling import make_up_for_outage, schedule_runs
from flowhand_server.store.sessions import open_session
from flowhand_server.store.store import Store
from support.databases import make_deployment, make_pool

pytestmark = pytest.mark.anyio
NOW = 1_700_000_000_000_000
MINUTE = 60_000_000


def add_schedule(conn: Connection, deployment: str, minutes: int = 10, **fields: Any) -> None:
    schedule = {"interval": minutes * 60, "anchor_date": to_iso(NOW), "timezone": "UTC"}
    row = {"id": new_id(), "created": 1, "updated": 1, "deployment_id": deployment, "schedule": schedule, **fields}
    conn.execute(insert(t.deployment_schedule).values(**row))


async def scheduled_deployment(store: Store, queue: str | None = None, **fields: Any) -> str:
    _, deployment = await store.write(make_deployment, queue, parameters={"a": 1, "b": 1}, tags=["t"])
    await store.write(add_schedule, deployment, **fields)
    return deployment


def runs(conn: Connection) -> list[Any]:
    return list(conn.execute(select(t.flow_run).order_by(t.flow_run.c.expected_start_time)).mappings())


def slots(rows: list[Any], state_type: str = "SCHEDULED") -> list[int]:
    return [(row["expected_start_time"] - NOW) // MINUTE for row in rows if row["state_type"] == state_type]


async def test_a_schedule_is_put_in_for_an_hour(store: Store) -> None:
    """As the contract says: who made the runs, with which parameters and tags, under which key."""
    await scheduled_deployment(store, parameters={"b": 2})
    assert await store.write(schedule_runs, NOW) == 1
    rows = await store.read(runs)
    assert slots(rows) == [0, 10, 20, 30, 40, 50, 60]
    assert rows[0]["parameters"] == {"a": 1, "b": 2}
    assert rows[0]["tags"] == ["auto-scheduled", "t"]
    assert rows[0]["created_by"]["type"] == "SCHEDULE"
    assert rows[0]["idempotency_key"].endswith(" 2023-11-14 22:13:20+00:00")
    assert rows[0]["auto_scheduled"]


async def test_each_slot_is_put_in_once(store: Store) -> None:
    """However often it is done, and by however many at once."""
    await scheduled_deployment(store)
    await asyncio.gather(*(store.write(schedule_runs, NOW + n) for n in range(4)))
    for minute in (1, 5, 61):
        await store.write(schedule_runs, NOW + minute * MINUTE)
    found = slots(await store.read(runs))
    assert found == sorted(set(found))
    assert found[-1] >= 120


async def test_a_slug_is_given_once(store: Store) -> None:
    """Of many who add a schedule by the same slug at once, one is served, and the others are told."""
    _, deployment = await store.write(make_deployment)
    schedule = DeploymentScheduleCreate.model_validate({"schedule": {"interval": 60}, "slug": "s"})
    adding = (store.write(add_schedules, deployment, [schedule], NOW) for _ in range(24))
    answers = await asyncio.gather(*adding, return_exceptions=True)
    assert sorted(isinstance(answer, Conflict) for answer in answers) == [False] + [True] * 23


async def test_max_scheduled_runs_and_inactive_ones(store: Store) -> None:
    """The cap of one schedule, and those that are switched off or belong to a paused deployment."""
    await scheduled_deployment(store, max_scheduled_runs=2)
    await scheduled_deployment(store, active=False)
    paused = await scheduled_deployment(store)
    await store.write(lambda conn: conn.execute(update(t.deployment).where(t.deployment.c.id == paused).values(paused=True)))
    await store.write(schedule_runs, NOW)
    assert slots(await store.read(runs)) == [0, 10]


async def test_a_wrong_schedule_does_not_stop_the_others(store: Store) -> None:
    """One that an older version let in."""
    broken = await scheduled_deployment(store)
    await store.write(lambda conn: conn.execute(update(t.deployment_schedule).values(schedule={"cron": "not a cron"})))
    await scheduled_deployment(store)
    await store.write(schedule_runs, NOW)
    assert {row["deployment_id"] for row in await store.read(runs)} != {broken}
    assert await store.write(schedule_runs, NOW + 1) == 0


@pytest.mark.parametrize(
    ("catchup", "left"), [(None, [180]), ("none", []), ("all", list(range(10, 190, 10))), ({"window": 45 * 60}, [140, 150, 160, 170, 180])]
)
async def test_after_an_outage_of_the_server(store: Store, catchup: Any, left: list[int]) -> None:
    """Three hours away: what is run is what the schedule declares, the latest slot by default; the rest says that it was skipped."""
    await scheduled_deployment(store, catchup=catchup)
    await store.write(schedule_runs, NOW)
    back = NOW + 181 * MINUTE
    await store.write(make_up_for_outage, NOW + 5 * MINUTE, back)
    rows = await store.read(runs)
    assert [slot for slot in slots(rows) if 5 < slot <= 181] == left
    skipped = [row for row in rows if row["state_type"] == "CANCELLED"]
    assert {row["state_name"] for row in skipped} <= {"Skipped"}
    assert slots(rows)[0] == 0, "what was due before the outage is not touched"


async def test_after_an_absence_of_workers(store: Store) -> None:
    """The first worker after an hour does not find six runs of one schedule at its door, but each run that somebody asked for."""
    pool, queue = await store.write(make_pool)
    deployment = await scheduled_deployment(store, queue)
    await store.write(schedule_runs, NOW)
    await store.write(lambda conn: conn.execute(update(t.deployment).where(t.deployment.c.id == deployment).values(last_polled=NOW - 1)))
    request = SessionRequest(kind="worker", name="w", work_pool=f"pool-{pool}")
    await store.write(open_session, request, ServerConfig(Path("/nowhere")), NOW + 45 * MINUTE)
    rows = await store.read(runs)
    assert slots(rows) == [40, 50, 60]
    assert slots(rows, "CANCELLED") == [0, 10, 20, 30]


async def test_a_short_absence_skips_nothing(store: Store) -> None:
    """A worker that is restarted takes what has become due meanwhile."""
    pool, queue = await store.write(make_pool)
    deployment = await scheduled_deployment(store, queue, minutes=1)
    await store.write(schedule_runs, NOW)
    polled = NOW + 150 * MINUTE // 60
    await store.write(lambda conn: conn.execute(update(t.deployment).where(t.deployment.c.id == deployment).values(last_polled=polled)))
    request = SessionRequest(kind="worker", name="w", work_pool=f"pool-{pool}")
    await store.write(open_session, request, ServerConfig(Path("/nowhere")), polled + MINUTE // 2)
    assert slots(await store.read(runs), "CANCELLED") == []


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def now_us(self) -> int:
        return self.now

    def monotonic(self) -> float:
        return self.now / 1_000_000

    def boottime(self) -> float:
        return self.now / 1_000_000


async def test_the_scheduler_knows_an_outage_from_a_restart(store: Store) -> None:
    """By the time of its last tick, which stands in the database."""
    await scheduled_deployment(store, minutes=1)
    clock = Hands()
    await Scheduler(store, clock).round()
    for seconds, skipped in ((10, 0), (600, 9)):
        clock.now += seconds * 1_000_000
        await Scheduler(store, clock).round()
        assert len(slots(await store.read(runs), "CANCELLED")) == skipped
