"""One limit for several deployments (contract 5.7): workers of ours, foreign clients and flows' code draw from the same slots."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from support.runner_api import Api
from support.server import RunningServer
from support.worker import wait_for

FOREIGN = {"User-Agent": "prefect/3.9.1 (API 0.8.4)"}
WAITS_S = 20.0
SOON_S = 3.0
"""Less than the 5 s after which a claim that waits looks again by itself: who is answered within it was woken."""


@pytest.fixture
def api(api_server: RunningServer) -> Api:
    """On SQLite and on PostgreSQL."""
    return Api(api_server)


def _limit(api: Api, number: int = 1, **fields: Any) -> dict[str, Any]:
    return api.call("POST", "/v2/concurrency_limits/", {"name": f"limit-{time.monotonic_ns()}", "limit": number, **fields})


def _shared(api: Api, pool: str, limit: dict[str, Any], **fields: Any) -> str:
    return api.deployment(pool, global_concurrency_limit_id=limit["id"], **fields)


def _in_use(api: Api, limit: dict[str, Any]) -> int:
    return api.call("GET", f"/v2/concurrency_limits/{limit['id']}")["active_slots"]


def _pending(api: Api, run: str) -> str:
    """What a foreign client is answered that wants to begin."""
    return api.call("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "PENDING"}}, **FOREIGN)["status"]


def _take(api: Api, limit: dict[str, Any]) -> int:
    body = {"names": [limit["name"]], "slots": 1, "mode": "concurrency", "lease_duration": 300}
    return api.http.post("/v2/concurrency_limits/increment-with-lease", json=body).status_code


def test_the_deployments_of_a_limit_are_counted_together(api: Api) -> None:
    """In one claim, in the next one, and to a foreign client; both deployments show the same use."""
    pool, limit = api.pool(), _limit(api)
    one, other = _shared(api, pool, limit), _shared(api, pool, limit)
    first, second = api.run(one), api.run(other)
    worker = api.session(pool)
    (claimed,) = worker.claimed(wait_s=0)
    assert claimed["run_id"] == first
    answer = worker.claim()
    assert (answer["runs"], "is at its concurrency limit (1)" in answer["why"]) == ([], True)
    assert _pending(api, second) == "REJECT"
    shown = [api.call("GET", f"/deployments/{key}")["global_concurrency_limit"]["active_slots"] for key in (one, other)]
    assert (shown, _in_use(api, limit)) == ([1, 1], 1)
    worker.state(claimed, "COMPLETED", 1)
    assert _in_use(api, limit) == 0


def test_a_freed_slot_wakes_who_waits_in_another_pool(api: Api) -> None:
    """And the run that a foreign client holds keeps ours from beginning until then."""
    here, there, limit = api.pool(), api.pool(), _limit(api)
    held, waits = api.run(_shared(api, here, limit)), api.run(_shared(api, there, limit))
    assert _pending(api, held) == "ACCEPT"
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(api.session(there).claim, 1, WAITS_S)
        wait_for(lambda: api.call("GET", f"/work_pools/{there}/queues/default")["last_polled"] is not None, SOON_S)  # it has looked
        api.set_state(held, "COMPLETED", force=True)
        assert [run["run_id"] for run in waiting.result(SOON_S)["runs"]] == [waits]


def test_the_lanes_of_one_deployment_share_its_limit(api: Api) -> None:
    """Its runs in two queues are two lanes; one claim takes no more of both than the limit has."""
    pool = api.pool()
    api.call("POST", f"/work_pools/{pool}/queues", {"name": "second"})
    deployment = api.deployment(pool, concurrency_limit=2)
    for queue in ("default", "default", "second", "second"):
        api.run(deployment, work_queue_name=queue)
    assert len(api.session(pool).claimed(wait_s=0)) == 2


def test_slots_that_code_takes_by_name_count(api: Api) -> None:
    """As a foreign server has it: a flow's `concurrency()` and the runs of deployments exclude each other."""
    pool, limit = api.pool(), _limit(api)
    run = api.run(_shared(api, pool, limit))
    assert _take(api, limit) == 200
    assert _pending(api, run) == "REJECT"
    api.call("POST", "/v2/concurrency_limits/decrement", {"names": [limit["name"]], "slots": 1})
    api.set_state(run, "SCHEDULED", force=True)
    assert len(api.session(pool).claimed(wait_s=0)) == 1
    assert _take(api, limit) == 423
