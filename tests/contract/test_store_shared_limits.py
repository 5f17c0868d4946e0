"""A global limit from which both a flow's code and the runs of deployments draw: what becomes of slots whose taker has gone."""

from __future__ import annotations

import pytest

from flowhand.clock import SystemClock
from flowhand.wire.concurrency import IncrementWithLease, LimitCreate
from flowhand.wire.states import StateType
from flowhand_server.orchestration.state import Verdict, propose, scheduled
from flowhand_server.store import slots
from flowhand_server.store.concurrency import create_limit
from flowhand_server.store.flow_runs import NewRun, create_flow_run, propose_state
from flowhand_server.store.notices import Notice
from flowhand_server.store.store import Store
from support.databases import make_deployment

pytestmark = pytest.mark.anyio
START = SystemClock().now_us()
MINUTE = 60_000_000


async def test_a_deployment_waits_for_slots_of_a_flow_that_was_killed(store: Store) -> None:
    """The service gives them back when their lease has run out, and says so to who waits."""
    limit = await store.write(create_limit, LimitCreate(name="shared", limit=1), START)
    flow, deployment = await store.write(make_deployment, concurrency_limit=1, global_concurrency_limit_id=limit["id"])
    run = (await store.write(create_flow_run, NewRun(flow, scheduled(START), deployment_id=deployment), START)).id
    body = IncrementWithLease(names=["shared"], slots=1, mode="concurrency", lease_duration=60)
    await store.write(slots.increment_with_lease, body, START)
    assert (await store.write(propose_state, run, propose(StateType.PENDING), START, renews=True)).status is Verdict.REJECT

    later = START + 2 * MINUTE
    heard: list[Notice] = []
    store.listen(heard.extend)
    assert not await store.read(slots.any_expired, START)
    assert await store.read(slots.any_expired, later)
    assert await store.write(slots.collect_expired, later) == 1
    assert "freed" in {notice.topic for notice in heard}
    assert not await store.read(slots.any_expired, later)
    assert (await store.write(propose_state, run, propose(StateType.PENDING), later, renews=True)).status is Verdict.ACCEPT
