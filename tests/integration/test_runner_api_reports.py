"""Reports over HTTP: stored once, fenced, turned into retries, orders in their answers. A real server process."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from support.runner_api import Api, Refused, Session
from support.server import RunningServer


@pytest.fixture(scope="module")
def api(api_server: RunningServer) -> Api:
    return Api(api_server)


@pytest.fixture
def worker(api: Api) -> Session:
    return api.session(api.pool(name=None))


@pytest.fixture
def claimed(api: Api, worker: Session) -> dict[str, Any]:
    pool = api.pool()
    worker.opened = api.session(pool).opened
    api.run(api.deployment(pool))
    return worker.claimed()[0]


def reason(answer: dict[str, Any]) -> list[str]:
    return [refusal["reason"] for refusal in answer["refused"]]


def messages(api: Api, run: str) -> list[str]:
    found = api.call("POST", "/logs/filter", {"logs": {"flow_run_id": {"any_": [run]}}})
    return [line["message"] for line in found]


def test_a_life_from_running_to_completed(api: Api, worker: Session, claimed: dict[str, Any]) -> None:
    """States, counts, the process, and what the flow declares of itself."""
    run = claimed["run_id"]
    worker.state(claimed, "RUNNING", 10, infrastructure_pid="77", flow_version="v1", retry={"retries": 2, "retry_delay_s": 0.5})
    seen = api.read(run)
    assert (seen["state_type"], seen["run_count"], seen["infrastructure_pid"], seen["flow_version"]) == ("RUNNING", 1, "77", "v1")
    assert seen["empirical_policy"]["retries"] == 2
    worker.state(claimed, "COMPLETED", 20, usage={"cpu_s": 1.5})
    seen = api.read(run)
    assert (seen["state_type"], seen["end_time"] is not None) == ("COMPLETED", True)


def test_a_report_that_comes_again_changes_nothing(api: Api, worker: Session, claimed: dict[str, Any]) -> None:
    """States and lines are stored once, and the answer is the same."""
    run = claimed["run_id"]
    first = worker.log(claimed, ("channel", 5, "one"), ("stdout", 5, "out"))
    again = worker.log(claimed, ("channel", 5, "one"), ("stdout", 5, "out"), ("channel", 9, "two"))
    assert [run, 1, "channel", 5] in first["marks"]
    assert [run, 1, "channel", 9] in again["marks"]
    assert sorted(messages(api, run)) == ["one", "out", "two"]
    told = [worker.state(claimed, "RUNNING", 10) for _ in range(2)]
    assert told[0]["states"] == told[1]["states"]
    assert api.read(run)["run_count"] == 1


def test_states_in_one_report_keep_their_order(api: Api, worker: Session, claimed: dict[str, Any]) -> None:
    """A short run arrives whole: its logs before its end."""
    now = time.time_ns() // 1000
    key = {"run_id": claimed["run_id"], "attempt": claimed["attempt"]}
    answer = worker.post(
        "report",
        logs=[{**key, "lines": [["channel", 7, now, 20, "flow", "hello", None]]}],
        states=[{**key, "seq": 3, "type": "RUNNING", "at_us": now}, {**key, "seq": 9, "type": "COMPLETED", "at_us": now}],
    )
    assert [state["type"] for state in answer["states"]] == ["RUNNING", "COMPLETED"]
    assert answer["marks"] == [[claimed["run_id"], 1, "channel", 7], [claimed["run_id"], 1, "state", 9]]


def test_task_runs_are_reported_once_and_under_the_newest_attempt_alone(api: Api, worker: Session, claimed: dict[str, Any]) -> None:
    """Made by their first state, taken on by the next, the same when told twice; what a fenced attempt says of them is not stored."""
    now = time.time_ns() // 1000
    task_id = str(uuid.uuid4())

    def tell(attempt: int, *states: tuple[str, str, int]) -> None:
        items = [
            {
                "run_id": claimed["run_id"],
                "attempt": attempt,
                "seq": after,
                "at_us": now + after,
                "id": task_id,
                "name": "load-0",
                "task_key": "m.load",
                "dynamic_key": "0",
                "tags": ["a\x00b"],
                "state_id": state_id,
                "type": state,
            }
            for state, state_id, after in states
        ]
        worker.post("report", tasks=items)

    ids = [str(uuid.uuid4()) for _ in range(4)]
    told = [("PENDING", ids[0], 1), ("RUNNING", ids[1], 2), ("COMPLETED", ids[2], 500_003)]
    tell(1, *told[:2])
    tell(1, *told)
    tell(9, ("FAILED", ids[3], 600_000))
    found = api.call("POST", "/task_runs/filter", {"flow_runs": {"id": {"any_": [claimed["run_id"]]}}})
    assert [(run["id"], run["name"], run["state_type"], run["run_count"]) for run in found] == [(task_id, "load-0", "COMPLETED", 1)]
    assert found[0]["total_run_time"] == pytest.approx(0.500001)
    assert [state["id"] for state in api.call("GET", f"/task_run_states/?task_run_id={task_id}")] == ids[:3]


def test_a_line_may_hold_anything(api: Api, worker: Session, claimed: dict[str, Any]) -> None:
    """What a program writes to its output is bytes; a NUL among them must not cost the report."""
    worker.log(claimed, ("stdout", 5, "a\x00b \u2603"))
    assert messages(api, claimed["run_id"]) == ["a\u2400b \u2603"]


def test_what_is_refused_and_why(worker: Session, claimed: dict[str, Any]) -> None:
    """Each reason, and that the fence does not hold back logs."""
    other = {**claimed, "attempt": 7}
    assert reason(worker.state(other, "RUNNING", 1)) == ["stale_attempt"]
    assert reason(worker.state({**claimed, "run_id": "00000000-0000-0000-0000-000000000000"}, "RUNNING", 1)) == ["unknown_run"]
    worker.state(claimed, "RUNNING", 1)
    worker.state(claimed, "COMPLETED", 2)
    assert reason(worker.state(claimed, "COMPLETED", 3)) == ["already"]
    assert reason(worker.state(claimed, "FAILED", 4)) == ["terminal"]
    assert worker.log(claimed, ("stdout", 3, "late words"))["refused"] == []
    assert [lost["reason"] for lost in worker.renew(claimed, other)["lost"]] == ["terminal", "stale_attempt"]


def test_a_short_retry_stays_with_the_worker(api: Api, worker: Session, claimed: dict[str, Any]) -> None:
    """The next attempt, under a lease of its own; the answer that was lost is given again."""
    worker.state(claimed, "RUNNING", 1, retry={"retries": 1, "retry_delay_s": 0.0})
    answers = [worker.state(claimed, "FAILED", 2, message="boom") for _ in range(2)]
    here = [answer["states"][0]["retry_here"] for answer in answers]
    assert [(h["attempt"], h["run_count"]) for h in here] == [(2, 2), (2, 2)]
    following = {**claimed, "attempt": 2}
    assert worker.renew(following)["lost"] == []
    worker.state(following, "RUNNING", 1)
    worker.state(following, "FAILED", 2)
    seen = api.read(claimed["run_id"])
    assert (seen["state_type"], seen["run_count"]) == ("FAILED", 2)


def test_a_long_retry_is_anybodys(api: Api, worker: Session, claimed: dict[str, Any]) -> None:
    """AwaitingRetry holds no slot, keeps message and time, and is claimed when it is due."""
    worker.state(claimed, "RUNNING", 1, retry={"retries": 1, "retry_delay_s": 2.0})
    answer = worker.state(claimed, "FAILED", 2, message="boom")
    assert answer["states"][0] | {"retry_here": None} == answer["states"][0]
    assert answer["states"][0]["name"] == "AwaitingRetry"
    assert worker.claim(1)["runs"] == []
    again = worker.claimed(1, 10.0)[0]
    assert (again["attempt"], again["run_count"]) == (2, 2)


def test_cancel_reaches_the_waiting_worker(api: Api, worker: Session, claimed: dict[str, Any]) -> None:
    """In the answer to its waiting claim, again in each answer, until it is done."""
    key = [claimed["run_id"], claimed["attempt"]]
    worker.state(claimed, "RUNNING", 1)
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(worker.claim, 0, 20.0)
        api.set_state(claimed["run_id"], "CANCELLING")
        assert waiting.result(10)["orders"]["cancel"] == [key]
    assert worker.renew(claimed)["orders"]["cancel"] == [key]
    worker.state(claimed, "CANCELLED", 2, message="stopped")
    assert worker.claim(0)["orders"]["cancel"] == []
    assert api.read(claimed["run_id"])["state"]["message"] == "stopped"


def test_an_end_during_a_cancel_is_cancelled(api: Api, worker: Session, claimed: dict[str, Any]) -> None:
    """The wish came first; the message says what had happened."""
    worker.state(claimed, "RUNNING", 1)
    api.set_state(claimed["run_id"], "CANCELLING")
    assert worker.state(claimed, "COMPLETED", 2)["states"][0]["type"] == "CANCELLED"
    assert "Completed" in api.read(claimed["run_id"])["state"]["message"]


def test_a_scheduled_run_is_cancelled_at_once(api: Api) -> None:
    """Nothing runs, so nothing has to be stopped."""
    run = api.run(api.deployment(api.pool()))
    answer = api.set_state(run, "CANCELLING")
    assert (answer["status"], answer["state"]["type"]) == ("REJECT", "CANCELLED")


def test_a_run_ended_over_the_api_is_to_be_stopped(api: Api, worker: Session, claimed: dict[str, Any]) -> None:
    """Forced to an end while its process lives: the worker is told to stop it."""
    worker.state(claimed, "RUNNING", 1)
    api.set_state(claimed["run_id"], "FAILED", force=True)
    assert worker.claim(0, 5.0)["orders"]["cancel"] == [[claimed["run_id"], 1]]
    assert reason(worker.state(claimed, "CANCELLED", 2)) == ["terminal"]
    assert worker.claim(0)["orders"]["cancel"] == []


def test_a_run_reopened_over_the_api_fences_its_worker(api: Api, worker: Session, claimed: dict[str, Any]) -> None:
    """Scheduled anew while it runs: the old attempt is refused, the next claim is a later one."""
    worker.state(claimed, "RUNNING", 1)
    api.set_state(claimed["run_id"], "SCHEDULED")
    assert [lost["reason"] for lost in worker.renew(claimed)["lost"]] == ["stale_attempt"]
    assert reason(worker.state(claimed, "COMPLETED", 2)) == ["stale_attempt"]
    assert worker.claimed(1)[0]["attempt"] == 3


def test_a_new_session_takes_over(worker: Session, claimed: dict[str, Any], api: Api) -> None:
    """The leases come over with their attempts; the old session is told that it is over."""
    old = {"session": worker.id, "secret": worker.opened["secret"]}
    worker.state(claimed, "RUNNING", 1)
    pool = claimed["work_pool"]
    heir = api.session(pool, supersedes=old)
    assert [(lease["run_id"], lease["attempt"], lease["state_type"]) for lease in heir.opened["leases"]] == [
        (claimed["run_id"], 1, "RUNNING")
    ]
    with pytest.raises(Refused, match="superseded") as refused:
        worker.state(claimed, "COMPLETED", 2)
    assert refused.value.status == 409
    assert heir.claim(0)["runs"] == [], "what came over is not given again"
    assert heir.state(claimed, "COMPLETED", 2)["states"][0]["type"] == "COMPLETED"


def test_a_lost_opening_is_opened_again(worker: Session, claimed: dict[str, Any], api: Api) -> None:
    """The heir whose answer was lost hands on to the next; one that has spoken does not, so a stopped daemon cannot steal back."""
    old = {"session": worker.id, "secret": worker.opened["secret"]}
    pool = claimed["work_pool"]
    api.session(pool, supersedes=old)
    heir = api.session(pool, supersedes=old)
    assert len(heir.opened["leases"]) == 1
    heir.renew(claimed)
    assert api.session(pool, supersedes=old).opened["leases"] == []
    assert heir.renew(claimed)["lost"] == []


def test_a_wrong_secret_takes_nothing_over(worker: Session, claimed: dict[str, Any], api: Api) -> None:
    """And learns nothing."""
    thief = api.session(claimed["work_pool"], supersedes={"session": worker.id, "secret": "guess"})
    assert thief.opened["leases"] == []
    thief.opened = {**worker.opened, "secret": "guess"}
    with pytest.raises(Refused, match="unknown_session"):
        thief.claim()
    assert worker.renew(claimed)["lost"] == []


def test_a_closed_session_is_over(api: Api) -> None:
    """Closing is idempotent."""
    worker = api.session(api.pool())
    worker.post("close")
    worker.post("close")
    with pytest.raises(Refused, match="closed"):
        worker.claim()


@pytest.mark.parametrize(
    "body", [{"kind": "worker", "name": "w", "work_pool": "nowhere"}, {"kind": "serve", "name": "s", "deployments": ["x"]}]
)
def test_unknown_pools_and_deployments(api: Api, body: dict[str, Any]) -> None:
    """404 with the name in it."""
    with pytest.raises(Refused, match="does not exist") as refused:
        api.call("POST", "/runner/session", body)
    assert refused.value.status == 404


@pytest.mark.parametrize(("content", "status"), [(b"{", 422), (b'{"session": 1}', 422), (b" " * 1_100_000, 413)])
def test_bad_bodies(api: Api, content: bytes, status: int) -> None:
    """Each is told in words, none harms."""
    answer = api.http.post("/runner/report", content=content)
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_watching_a_run(api: Api, worker: Session, claimed: dict[str, Any]) -> None:
    """Answered when there is news; lines come once."""
    run = claimed["run_id"]
    first = api.call("POST", "/runner/watch", {"flow_run_id": run, "logs": True})
    assert (first["state_type"], first["terminal"]) == ("PENDING", False)
    with ThreadPoolExecutor() as threads:
        body = {"flow_run_id": run, "state_id": first["state_id"], "logs": True, "wait_s": 20}
        waiting = threads.submit(Api(api.server).call, "POST", "/runner/watch", body)
        worker.log(claimed, ("channel", 5, "hello"))
        news = waiting.result(10)
    assert [line["message"] for line in news["logs"]] == ["hello"]
    worker.state(claimed, "RUNNING", 6)
    worker.state(claimed, "COMPLETED", 7)
    last = api.call("POST", "/runner/watch", {**body, "state_id": news["state_id"], "logs_after": news["logs_after"]})
    assert (last["terminal"], last["logs"]) == (True, [])


def test_why_a_run_waits(api: Api) -> None:
    """In words, for each thing that can be in its way."""

    def why(run: str) -> str:
        return api.call("POST", "/runner/watch", {"flow_run_id": run})["why"]

    pool = api.pool()
    run = api.run(api.deployment(pool))
    assert why(run) == f"no live worker in pool {pool!r}"
    api.session(pool)
    assert why(run) is None
    api.call("PATCH", f"/work_pools/{pool}", {"is_paused": True})
    assert why(run) == f"work pool {pool!r} is paused"
    served = api.deployment()
    assert why(api.run(served)) == "no runner is serving this deployment"
    limited = api.pool()
    deployment = api.deployment(limited, concurrency_limit=1)
    api.run(deployment)
    api.session(limited).claimed()
    assert why(api.run(deployment)) == "deployment is at its concurrency limit (1)"
