"""Work pools, queues, workers and what they are given (contract 5.4, 5.6, 10), against a real server."""

from __future__ import annotations

from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from support.rest import Rest, fresh

LATER = "2099-01-01T00:00:00Z"


def _at(second: int) -> dict[str, Any]:
    return {"type": "SCHEDULED", "state_details": {"scheduled_time": f"2026-01-01T00:00:{second:02d}Z"}}


def _due(rest: Rest, pool: dict[str, Any], **body: Any) -> list[str]:
    answers = rest.made(f"/work_pools/{pool['name']}/get_scheduled_flow_runs", **({"scheduled_before": LATER} | body))
    return [answer["flow_run"]["name"] for answer in answers]


def test_pools(rest: Rest) -> None:
    """A pool comes with its default queue; taken names are 409, reserved ones 403, names with slashes 422; deleting is 204."""
    pool = rest.pool()
    queue = rest.read(f"/work_pools/{pool['name']}/queues/default")
    assert (queue["id"], queue["priority"]) == (pool["default_queue_id"], 1)
    assert rest.post("/work_pools/", name=pool["name"]).status_code == 409
    assert rest.post("/work_pools/", name="Prefect-own").status_code == 403
    assert rest.post("/work_pools/", name="a/b").status_code == 422
    assert pool["status"] == "NOT_READY"
    assert rest.patch(f"/work_pools/{pool['name']}", is_paused=True, concurrency_limit=4).status_code == 204
    changed = rest.read(f"/work_pools/{pool['name']}")
    assert (changed["status"], changed["concurrency_limit"]) == ("PAUSED", 4)
    rest.patch(f"/work_pools/{pool['name']}", concurrency_limit=None)
    assert rest.read(f"/work_pools/{pool['name']}")["concurrency_limit"] is None
    assert rest.delete(f"/work_pools/{pool['name']}").status_code == 204
    assert rest.get(f"/work_pools/{pool['name']}").status_code == 404


def test_queues(rest: Rest) -> None:
    """Queues take the next free priority; the default queue stays with its pool."""
    pool = rest.pool()
    path = f"/work_pools/{pool['name']}/queues"
    assert [rest.made(path, name=name)["priority"] for name in ("a", "b")] == [2, 3]
    assert rest.post(path, name="a").status_code == 409
    queue = rest.read(f"{path}/a")
    assert rest.patch(f"/work_queues/{queue['id']}", concurrency_limit=1, is_paused=True, priority=9).status_code == 204
    changed = rest.read(f"/work_queues/{queue['id']}")
    assert (changed["concurrency_limit"], changed["status"], changed["priority"]) == (1, "PAUSED", 9)
    assert rest.delete(f"{path}/a").status_code == 204
    assert rest.delete(f"{path}/default").status_code == 409
    status = rest.read(f"/work_queues/{rest.read(f'{path}/b')['id']}/status")
    assert (status["healthy"], status["late_runs_count"]) == (False, 0)


def test_due_runs_come_by_priority_then_time(rest: Rest) -> None:
    """A lower queue is given what a higher one leaves, each queue's runs by their time (contract 5.6)."""
    pool = rest.pool()
    low = rest.deployment(work_pool_name=pool["name"], work_queue_name="low")
    high = rest.deployment(work_pool_name=pool["name"])
    rest.run(low, name="low-early", state=_at(1))
    rest.run(high, name="high-late", state=_at(9))
    rest.run(high, name="high-early", state=_at(5))
    assert _due(rest, pool) == ["high-early", "high-late", "low-early"]
    assert _due(rest, pool, limit=2) == ["high-early", "high-late"]
    assert _due(rest, pool, scheduled_before="2026-01-01 00:00:05+00:00") == ["high-early", "low-early"]
    assert _due(rest, pool, work_queue_names=["low"]) == ["low-early"]
    assert rest.post(f"/work_pools/{pool['name']}/get_scheduled_flow_runs", work_queue_names=["none"]).status_code == 404
    assert rest.post("/work_pools/none/get_scheduled_flow_runs").status_code == 404


def test_limits_and_pauses_hold_back(rest: Rest) -> None:
    """Pool and queue limits count what is Pending or Running; paused ones give nothing."""
    pool = rest.pool(concurrency_limit=2)
    deployment = rest.deployment(work_pool_name=pool["name"], work_queue_name="q")
    runs = [rest.run(deployment, name=f"r{number}", state=_at(number)) for number in range(4)]
    assert _due(rest, pool) == ["r0", "r1"]
    rest.set_state(runs[0], "PENDING")
    assert _due(rest, pool) == ["r1"]
    queue = rest.read(f"/work_pools/{pool['name']}/queues/q")
    assert queue["active_slots"] == 1
    rest.patch(f"/work_queues/{queue['id']}", concurrency_limit=1)
    assert _due(rest, pool) == []
    rest.patch(f"/work_queues/{queue['id']}", concurrency_limit=None)
    rest.patch(f"/work_queues/{queue['id']}", is_paused=True)
    assert _due(rest, pool) == []
    rest.patch(f"/work_queues/{queue['id']}", is_paused=False)
    rest.patch(f"/work_pools/{pool['name']}", is_paused=True)
    assert _due(rest, pool) == []
    rest.patch(f"/work_pools/{pool['name']}", is_paused=False)
    rest.set_state(runs[0], "RUNNING")
    rest.set_state(runs[0], "COMPLETED")
    assert _due(rest, pool) == ["r1", "r2"]


def test_retries_of_a_living_process_are_not_given_away(rest: Rest) -> None:
    """A run that its own process will go on with is not due for a pool (contract 2.6)."""
    pool = rest.pool()
    run = rest.run(rest.deployment(work_pool_name=pool["name"]), name=fresh("run"))
    rest.patch(f"/flow_runs/{run['id']}", empirical_policy={"retries": 1, "retry_delay": 0})
    for kind in ("PENDING", "RUNNING", "FAILED"):
        rest.set_state(run, kind)
    assert rest.read(f"/flow_runs/{run['id']}")["state_name"] == "AwaitingRetry"
    assert _due(rest, pool) == []


def test_polling_makes_ready(rest: Rest) -> None:
    """Who is polled becomes READY, a while after the answer."""
    pool = rest.pool()
    deployment = rest.deployment(work_pool_name=pool["name"])
    _due(rest, pool)
    rest.until(lambda: rest.read(f"/deployments/{deployment['id']}")["status"] == "READY", "the deployment is ready")
    queue = rest.read(f"/work_queues/{pool['default_queue_id']}")
    assert queue["status"] == "READY"
    assert queue["last_polled"]


def test_workers_live_by_their_heartbeats(rest: Rest) -> None:
    """The first heartbeat makes a worker and the pool ready; it can be found by its status, and forgotten."""
    pool = rest.pool()
    path = f"/work_pools/{pool['name']}/workers"
    assert rest.post(f"{path}/heartbeat", name="w", heartbeat_interval_seconds=15).status_code == 204
    (worker,) = rest.made(f"{path}/filter", workers={"status": {"any_": ["ONLINE"]}})
    assert (worker["name"], worker["status"], worker["heartbeat_interval_seconds"]) == ("w", "ONLINE", 15)
    assert rest.read(f"/work_pools/{pool['name']}")["status"] == "READY"
    assert rest.delete(f"{path}/w").status_code == 204
    assert rest.made(f"{path}/filter") == []
    assert rest.post("/work_pools/none/workers/heartbeat", name="w").status_code == 404


def test_the_worker_channel_is_refused(rest: Rest) -> None:
    """A refused upgrade makes a 3.9 worker heartbeat and poll over HTTP (contract 8.4)."""
    pool = rest.pool()
    url = rest.url.replace("http://", "ws://") + f"/work_pools/{pool['name']}/workers/connect"
    with pytest.raises(InvalidStatus) as refusal, connect(url, subprotocols=["prefect"]):
        pass
    assert refusal.value.response.status_code == 403


def test_job_templates_by_worker_type(rest: Rest) -> None:
    """The view of worker types holds a template for each, in which every variable is taken up."""
    view = rest.read("/collections/views/aggregate-worker-metadata")
    templates = {kind: entry["default_base_job_configuration"] for package in view.values() for kind, entry in package.items()}
    assert set(templates) == {"process", "docker", "kubernetes"}
    for template in templates.values():
        text = str(template["job_configuration"])
        assert all(f"{{{{ {name} }}}}" in text for name in template["variables"]["properties"])
    assert rest.get("/collections/views/none").status_code == 404
