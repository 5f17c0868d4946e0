"""Workers that fall silent, and some that come back: the reaper, the grace, both crash policies. A real server with a short lease."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.runner_api import Api, Session
from support.server import running_server

LEASE_S = 1.5
WITHIN_S = 2 * LEASE_S + 10.0


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    home: Path = tmp_path_factory.mktemp("home")
    with running_server(home, environ={"FLOWHAND_SERVER_LEASE": str(LEASE_S), "FLOWHAND_SERVER_GRACE": "6"}) as server:
        yield Api(server)


def claimed(api: Api, **job_variables: Any) -> tuple[Session, dict[str, Any]]:
    pool = api.pool()
    worker = api.session(pool, heartbeat_s=0.5)
    api.run(api.deployment(pool, job_variables=job_variables))
    run = worker.claimed()[0]
    worker.state(run, "RUNNING", 1)
    return worker, run


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def is_in(api: Api, run: dict[str, Any], state_type: str) -> Callable[[], bool]:
    return lambda: api.read(run["run_id"])["state_type"] == state_type


def watched(api: Api, run: dict[str, Any]) -> dict[str, Any]:
    return api.call("POST", "/runner/watch", {"flow_run_id": run["run_id"]})


def test_a_silent_workers_run_crashes_and_is_adopted_when_it_comes_back(api: Api) -> None:
    """Provisional: a watcher waits on, the slot is free, and a renewal within the grace makes it Running again."""
    worker, run = claimed(api)
    eventually(is_in(api, run, "CRASHED"))
    told = watched(api, run)
    assert "Lost contact with worker 'w'" in told["message"]
    assert not told["terminal"]
    assert worker.renew(run)["lost"] == []
    seen = api.read(run["run_id"])
    assert (seen["state_type"], seen["run_count"], seen["end_time"]) == ("RUNNING", 1, None)
    assert worker.state(run, "COMPLETED", 2)["states"][0]["type"] == "COMPLETED"


def test_its_true_end_replaces_the_crash(api: Api) -> None:
    """What came to its end in the silence ends as it ended."""
    worker, run = claimed(api)
    eventually(is_in(api, run, "CRASHED"))
    assert worker.state(run, "COMPLETED", 2)["states"][0]["type"] == "COMPLETED"
    assert watched(api, run)["terminal"]


def test_after_the_grace_the_crash_is_final(api: Api) -> None:
    """Who comes later is told so."""
    worker, run = claimed(api)
    eventually(is_in(api, run, "CRASHED"))
    eventually(lambda: watched(api, run)["terminal"])
    assert worker.renew(run)["lost"][0]["reason"] == "terminal"
    assert worker.state(run, "COMPLETED", 2)["refused"][0]["reason"] == "terminal"


def test_under_retry_the_run_is_begun_again_elsewhere(api: Api) -> None:
    """Fenced against the first worker, and counted as an interruption, not as one of its tries."""
    worker, run = claimed(api, crash_policy="retry")
    other = api.session(run["work_pool"], heartbeat_s=0.5)
    again = other.claimed(1, 20.0)[0]
    assert (again["run_id"], again["interruptions"], again["crash_policy"]) == (run["run_id"], 1, "retry")
    assert again["attempt"] > run["attempt"]
    assert worker.state(run, "COMPLETED", 2)["refused"][0]["reason"] == "stale_attempt"
    assert worker.renew(run)["lost"][0]["reason"] == "stale_attempt"


def test_interruptions_have_a_cap_of_their_own(api: Api) -> None:
    """A run that takes its worker with it each time does not do so for ever."""
    _, run = claimed(api, crash_policy="retry", max_interruptions=0)
    eventually(is_in(api, run, "CRASHED"))
    assert "max_interruptions is 0" in watched(api, run)["message"]


def test_a_lost_worker_cannot_hold_up_a_cancel(api: Api) -> None:
    """Its runs end Cancelled."""
    _, run = claimed(api)
    api.set_state(run["run_id"], "CANCELLING")
    eventually(is_in(api, run, "CANCELLED"))


def test_who_renews_is_left_alone(api: Api) -> None:
    """For as long as it does."""
    worker, run = claimed(api)
    until = time.monotonic() + 3 * LEASE_S + 2
    while time.monotonic() < until:
        assert worker.renew(run)["lost"] == []
        time.sleep(0.3)
    assert api.read(run["run_id"])["state_type"] == "RUNNING"
