"""Claims over HTTP: order, limits, waiting, lost answers. A real server process."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from support.runner_api import Api
from support.server import RunningServer


@pytest.fixture(scope="module")
def api(api_server: RunningServer) -> Api:
    return Api(api_server)


def test_a_waiting_claim_is_answered_when_a_run_is_made(api: Api) -> None:
    """Long before its time is over, with all that is needed to start the run."""
    pool = api.pool()
    deployment = api.deployment(pool, job_variables={"env": {"A": "1"}}, parameters={"x": 1})
    worker = api.session(pool)
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(worker.claim, 1, 20.0)
        run = api.run(deployment, parameters={"y": 2})
        claimed = waiting.result(10)["runs"]
    assert [(r["run_id"], r["attempt"], r["run_count"]) for r in claimed] == [(run, 1, 1)]
    assert claimed[0]["parameters"] == {"x": 1, "y": 2}
    assert claimed[0]["deployment"]["entrypoint"] == "flows.py:a_flow"
    assert claimed[0]["job"]["env"] == {"A": "1"}
    assert claimed[0]["start_in_s"] <= 0
    assert api.read(run)["state_type"] == "PENDING"


def test_a_waiting_claim_is_answered_when_a_run_falls_due(api: Api) -> None:
    """On time, without anybody asking."""
    pool = api.pool()
    deployment = api.deployment(pool)
    api.run(deployment, in_s=0.7)
    claimed = api.session(pool).claim(1, 20.0)["runs"]
    assert abs(time.time_ns() // 1000 - claimed[0]["scheduled_us"]) < 500_000


def test_nothing_due_is_answered_after_the_wait(api: Api) -> None:
    """Empty, without a reason, since nothing is in the way."""
    pool = api.pool()
    api.run(api.deployment(pool), in_s=60)
    answer = api.session(pool).claim(1, 0.2)
    assert (answer["runs"], answer["why"]) == ([], None)


def test_order_is_queue_priority_then_time(api: Api) -> None:
    """Whatever deployment a run is of."""
    pool = api.pool()
    api.call("POST", f"/work_pools/{pool}/queues", {"name": "low", "priority": 9})
    first, second, low = api.deployment(pool), api.deployment(pool), api.deployment(pool, work_queue_name="low")
    runs = [
        api.run(low, in_s=-90),
        api.run(second, in_s=-60),
        api.run(first, in_s=-50),
        api.run(second, in_s=-40),
        api.run(first, in_s=-30),
    ]
    worker = api.session(pool)
    taken = [r["run_id"] for _ in range(3) for r in worker.claim(2)["runs"]]
    assert taken == [*runs[1:], runs[0]]


def test_a_worker_takes_from_its_queues_alone(api: Api) -> None:
    """`--work-queue` names them."""
    pool = api.pool()
    api.call("POST", f"/work_pools/{pool}/queues", {"name": "mine"})
    mine = api.run(api.deployment(pool, work_queue_name="mine"))
    api.run(api.deployment(pool))
    assert [r["run_id"] for r in api.session(pool, work_queues=["mine"]).claimed()] == [mine]
    assert "has no queue named other" in api.session(pool, work_queues=["other"]).claim()["why"]


def test_a_script_takes_the_runs_of_its_deployments_alone(api: Api) -> None:
    """`serve` needs no pool."""
    mine, other = api.deployment(), api.deployment()
    run, _ = api.run(mine), api.run(other)
    assert [r["run_id"] for r in api.session(deployments=[mine]).claimed()] == [run]


def test_a_paused_pool_gives_nothing_and_says_so(api: Api) -> None:
    """Until it is resumed, which the waiting claim hears of."""
    pool = api.pool()
    run = api.run(api.deployment(pool))
    api.call("PATCH", f"/work_pools/{pool}", {"is_paused": True})
    worker = api.session(pool)
    assert worker.claim()["why"] == f"work pool {pool!r} is paused"
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(worker.claim, 1, 20.0)
        api.call("PATCH", f"/work_pools/{pool}", {"is_paused": False})
        assert [r["run_id"] for r in waiting.result(10)["runs"]] == [run]


def test_a_paused_queue_gives_nothing(api: Api) -> None:
    """Other queues do."""
    pool = api.pool()
    api.call("POST", f"/work_pools/{pool}/queues", {"name": "off", "is_paused": True})
    api.run(api.deployment(pool, work_queue_name="off"))
    run = api.run(api.deployment(pool))
    assert [r["run_id"] for r in api.session(pool).claimed()] == [run]


def test_the_pools_limit_holds_over_workers(api: Api) -> None:
    """A slot that becomes free wakes the worker that waits for it."""
    pool = api.pool(concurrency_limit=2)
    deployment = api.deployment(pool)
    for _ in range(3):
        api.run(deployment)
    one, two = api.session(pool), api.session(pool)
    held = one.claimed()
    assert len(held) == 2
    assert two.claim()["why"] == f"work pool {pool!r} is at its concurrency limit (2)"
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(two.claim, 1, 20.0)
        one.state(held[0], "COMPLETED", 1)
        assert len(waiting.result(10)["runs"]) == 1


def test_a_queues_limit_leaves_other_queues_alone(api: Api) -> None:
    """The rest of the pool goes on."""
    pool = api.pool()
    api.call("POST", f"/work_pools/{pool}/queues", {"name": "narrow", "concurrency_limit": 1})
    narrow, wide = api.deployment(pool, work_queue_name="narrow"), api.deployment(pool)
    for deployment in (narrow, narrow, wide, wide):
        api.run(deployment)
    assert len(api.session(pool).claimed()) == 3


def test_a_deployment_at_its_limit_is_skipped(api: Api) -> None:
    """Its runs keep their times and wait; those of others behind them start."""
    pool = api.pool()
    limited = api.deployment(pool, concurrency_limit=1)
    first, second = api.run(limited, in_s=-50), api.run(limited, in_s=-40)
    other = api.run(api.deployment(pool), in_s=-30)
    worker = api.session(pool)
    held = {r["run_id"]: r for r in worker.claimed()}
    assert set(held) == {first, other}
    assert "is at its concurrency limit (1)" in worker.claim()["why"]
    assert api.read(second)["state_type"] == "SCHEDULED"
    worker.state(held[first], "COMPLETED", 1)
    assert [r["run_id"] for r in worker.claimed()] == [second]


def test_a_deployment_that_wants_no_queue_cancels_what_finds_no_slot(api: Api) -> None:
    """CANCEL_NEW, for late runs too."""
    pool = api.pool()
    limited = api.deployment(pool, concurrency_limit=1, concurrency_options={"collision_strategy": "CANCEL_NEW"})
    first, second = api.run(limited, in_s=-50), api.run(limited, in_s=-40)
    worker = api.session(pool)
    assert [r["run_id"] for r in worker.claimed()] == [first]
    worker.claim()
    state = api.read(second)["state"]
    assert (state["type"], state["message"]) == ("CANCELLED", "Deployment concurrency limit reached.")


def test_a_lost_answer_is_given_again(api: Api) -> None:
    """The same runs under the same attempts, and none beside them."""
    pool = api.pool()
    deployment = api.deployment(pool)
    for _ in range(2):
        api.run(deployment)
    worker = api.session(pool)
    lost = worker.claim(1, lose=True)["runs"]
    again = worker.claim(1)["runs"]
    assert [(r["run_id"], r["attempt"]) for r in again] == [(r["run_id"], r["attempt"]) for r in lost]
    assert worker.claimed(1)[0]["run_id"] != lost[0]["run_id"]


def test_no_run_is_given_twice(api: Api) -> None:
    """Six workers at once on one pool."""
    pool = api.pool()
    deployment = api.deployment(pool)
    runs = {api.run(deployment) for _ in range(60)}

    def work(_: int) -> list[str]:
        mine = Api(api.server).session(pool)
        taken: list[str] = []
        while claimed := mine.claim(3)["runs"]:
            taken += [r["run_id"] for r in claimed]
        return taken

    with ThreadPoolExecutor(6) as threads:
        taken = [run for part in threads.map(work, range(6)) for run in part]
    assert sorted(taken) == sorted(runs)


def test_one_waiter_gets_one_run(api: Api) -> None:
    """Two wait, one run is made: one is answered, the other goes on waiting."""
    pool = api.pool()
    deployment = api.deployment(pool)
    with ThreadPoolExecutor() as threads:
        waiting = [threads.submit(Api(api.server).session(pool).claim, 1, 1.5) for _ in range(2)]
        api.run(deployment)
        answers = [len(w.result(10)["runs"]) for w in waiting]
    assert sorted(answers) == [0, 1]


def test_prefetched_runs_come_early_and_are_revoked(api: Api) -> None:
    """A pool that is paused meanwhile takes them back: they are Scheduled again with their own time."""
    pool = api.pool()
    run = api.run(api.deployment(pool), in_s=30)
    worker = api.session(pool)
    claimed = worker.claim(1, prefetch_s=60)["runs"]
    assert 20 < claimed[0]["start_in_s"] < 31
    before = api.read(run)["expected_start_time"]
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(worker.claim, 0, 20.0)
        api.call("PATCH", f"/work_pools/{pool}", {"is_paused": True})
        assert waiting.result(10)["orders"]["revoke"] == [[run, 1]]
    assert worker.post("release", runs=[[run, 1]])["released"] == [[run, 1]]
    assert worker.post("release", runs=[[run, 1]])["released"] == [[run, 1]], "asked again after a lost answer"
    after = api.read(run)
    assert (after["state_type"], after["next_scheduled_start_time"]) == ("SCHEDULED", before)
    assert worker.claim(0)["orders"]["revoke"] == []


@pytest.mark.parametrize("policy", ["crash", "retry"])
def test_what_was_interrupted_before_it_began_is_released_so_often_and_no_more(api: Api, policy: str) -> None:
    """It keeps its time and counts each interruption; behind the last one it is Crashed, in words."""
    pool = api.pool()
    worker = api.session(pool)
    deployment = api.deployment(pool, job_variables={"crash_policy": policy, "max_interruptions": 1})
    run = api.run(deployment, in_s=30)
    due = api.read(run)["next_scheduled_start_time"]
    said = "Interrupted: the keeper was killed"

    def interrupted() -> dict[str, Any]:
        held = worker.claim(1, prefetch_s=60)["runs"][0]
        worker.post("release", runs=[[run, held["attempt"]]], reason=said, interrupted=True)
        return api.read(run)

    seen = interrupted()
    assert (seen["state_type"], seen["next_scheduled_start_time"]) == ("SCHEDULED", due)
    assert seen["state"]["message"] == f"{said}; begun again (interruption 1 of at most 1)."
    seen = interrupted()
    assert seen["state_type"] == "CRASHED"
    assert seen["state"]["message"] == f"{said}, for the 2nd time; it is not begun again (max_interruptions is 1)."


def test_released_runs_are_claimed_anew(api: Api) -> None:
    """Under a later attempt, so that nothing of the earlier one is taken for it."""
    pool = api.pool()
    api.run(api.deployment(pool))
    one, two = api.session(pool), api.session(pool)
    held = one.claimed()[0]
    one.post("release", runs=[[held["run_id"], held["attempt"]]], reason="draining")
    again = two.claimed()[0]
    assert again["attempt"] > held["attempt"]
    assert one.state(held, "RUNNING", 1)["refused"][0]["reason"] == "stale_attempt"
