"""The answer to making a run is composed of what was stored: it says what reading the run says."""

from __future__ import annotations

from typing import Any, Final

import orjson
import pytest

from flowhand.clock import SystemClock
from flowhand.ids import new_id
from flowhand.wire.deployments import DeploymentFlowRunCreate
from flowhand.wire.flow_runs import FlowRunCreate
from flowhand_server.store.deployment_runs import create_adhoc_run, create_deployment_run
from flowhand_server.store.flow_run_reading import read_flow_run
from flowhand_server.store.store import Store
from support.databases import make_deployment, make_flow, make_pool

pytestmark = pytest.mark.anyio
NOW: Final = SystemClock().now_us()
SCHEDULED: Final[dict[str, Any]] = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2031-01-02T03:04:05Z"}}
BODIES: Final[dict[str, dict[str, Any]]] = {
    "bare": {},
    "full": {
        "name": "named",
        "parameters": {"x": 1, "half": 0.5, "none": None, "deep": {"list": [1, {"é": "\u2028"}]}},
        "context": {"a": [True]},
        "tags": ["b", "a", "b"],
        "labels": {"where": "here", "count": 3},
        "job_variables": {"env": {"A": "1"}},
        "empirical_policy": {"retries": 2, "retry_delay": 3, "pause_keys": ["k"], "retry_type": "in_process"},
        "idempotency_key": "once",
        "state": {"type": "SCHEDULED", "name": "Late", "message": "m", "data": {"kept": 1}},
    },
    "in time": {"state": SCHEDULED},
    "pending": {"state": {"type": "PENDING"}},
    "running": {"state": {"type": "RUNNING", "message": ""}},
    "ended": {"state": {"type": "COMPLETED", "state_details": {"cache_key": "c"}}},
    "a subflow": {"parent_task_run_id": new_id(), "state": {"type": "PENDING"}},
}
"""Of every kind of run one, as both ways of making runs take it."""


@pytest.mark.parametrize("pooled", [True, False])
async def test_a_run_of_a_deployment_is_shown_as_it_is_read(store: Store, pooled: bool) -> None:
    """With a pool and without, for each kind of run."""
    _, queue = await store.write(make_pool) if pooled else (None, None)
    _, deployment = await store.write(make_deployment, queue, tags=["own"], labels={"of": "deployment"}, version="7")
    author = {"id": None, "type": "AUTOMATION", "display_value": "somebody"}
    for fields in BODIES.values():
        body = DeploymentFlowRunCreate.model_validate(fields)
        shown, new = await store.write(create_deployment_run, deployment, body, NOW, author)
        assert new
        assert bool(shown["work_pool_name"]) == pooled
        await _is_read_so(store, shown)


@pytest.mark.parametrize("pooled", [True, False])
async def test_an_adhoc_run_is_shown_as_it_is_read(store: Store, pooled: bool) -> None:
    """With a pool and without, for each kind of run."""
    flow = await store.write(make_flow)
    pool = f"pool-{(await store.write(make_pool))[0]}" if pooled else None
    more = {"flow_id": flow, "flow_version": "v", "work_pool_name": pool}
    for fields in BODIES.values():
        shown, new = await store.write(create_adhoc_run, FlowRunCreate.model_validate(fields | more), NOW)
        assert new
        assert shown["work_pool_name"] == pool
        await _is_read_so(store, shown)


async def test_a_run_that_is_there_already_is_shown_as_it_is_now(store: Store) -> None:
    """The second time that an idempotency key comes, the first run is the answer, not what the second asked for."""
    _, deployment = await store.write(make_deployment)
    first, _ = await store.write(create_deployment_run, deployment, DeploymentFlowRunCreate(name="a", idempotency_key="k"), NOW)
    again, new = await store.write(create_deployment_run, deployment, DeploymentFlowRunCreate(name="b", idempotency_key="k"), NOW)
    assert not new
    assert again == first


async def _is_read_so(store: Store, shown: dict[str, Any]) -> None:
    read = await store.read(read_flow_run, str(shown["id"]), NOW)
    assert shown == read
    assert orjson.loads(orjson.dumps(shown)) == orjson.loads(orjson.dumps(read))
