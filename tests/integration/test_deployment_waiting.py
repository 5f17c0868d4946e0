"""run_deployment says why the run that it waits for does not start."""

from __future__ import annotations

import logging
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from flowhand import run_deployment
from flowhand.deployments.waiting import Waiting
from flowhand.ids import new_id
from flowhand.wire.runner import WatchReply
from support.server import RunningServer
from support.worker import Api, running_worker


@pytest.fixture
def api(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> Api:
    monkeypatch.setenv("FLOWHAND_API_URL", server.url)
    monkeypatch.setenv("FLOWHAND_HOME", str(server.home))
    return Api(server)


@pytest.fixture
def said() -> Generator[list[str]]:
    """What the log of deployments says."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    log, handler = logging.getLogger("flowhand.deployments"), Keep()
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield lines
    log.removeHandler(handler)


def deployed(api: Api, **fields: Any) -> str:
    flow = api.call("POST", "/flows/", {"name": f"waiting-{new_id()}"})
    return api.call("POST", "/deployments/", {"name": "d", "flow_id": flow["id"], **fields})["id"]


@pytest.mark.parametrize(
    ("pool", "words"),
    [
        ({}, "no live worker in pool"),
        ({"is_paused": True}, "is paused"),
        (None, "no runner is serving this deployment"),
    ],
    ids=["no worker", "a paused pool", "nobody serves"],
)
def test_the_reason_is_said_once(api: Api, said: list[str], pool: dict[str, Any] | None, words: str) -> None:
    """One line with the run's name and the reason, however long it waits."""
    fields: dict[str, Any] = {}
    if pool is not None:
        name = api.pool(f"waiting-{new_id()}")["name"]
        if pool:
            api.call("PATCH", f"/work_pools/{name}", pool)
        fields["work_pool_name"] = name
    run = run_deployment(deployed(api, **fields), timeout=0.5)
    (line,) = said
    assert f"Flow run {run.name!r} waits: " in line
    assert words in line


def test_a_limit_that_is_reached_is_said(api: Api, said: list[str], server: RunningServer, tmp_path: Path) -> None:
    """Of the pool, with a live worker: the run waits for the one that has the slot, and its end is answered."""
    name = api.pool(f"limited-{new_id()}", concurrency_limit=1)["name"]
    (tmp_path / "jobs.py").write_text(
        "import time\nfrom pathlib import Path\nfrom flowhand import flow\n@flow\ndef slow():\n"
        f"    while not Path({str(tmp_path / 'go')!r}).exists(): time.sleep(0.05)\n"
    )
    with running_worker(server, home=tmp_path / "worker", pool=name):
        deployment = api.deploy("jobs.py:slow", tmp_path, name)
        first = api.run(deployment)
        api.reaches(first, "Running")
        assert run_deployment(deployment, timeout=0.5).state_name in ("Scheduled", "Late")
        assert [line for line in said if "is at its concurrency limit (1)" in line]
        (tmp_path / "go").touch()
        assert run_deployment(deployment, timeout=30).state_name == "Completed"


def test_a_run_without_a_reason_is_said_to_be_late(said: list[str]) -> None:
    """Where the server knows no more than the run's state, that is what is said."""
    waiting = Waiting("a-run")
    for state in ("Scheduled", "Late", "Late", "Running"):
        waiting.tell(WatchReply(flow_run_id="x", name="a-run", state_id=None, state_type=None, state_name=state, terminal=False))
    assert said == ["Flow run 'a-run' waits: late"]


def test_a_run_has_variables_and_a_queue_of_its_own(api: Api) -> None:
    """`job_variables` and `work_queue_name`, of this run alone."""
    pool = api.pool(f"own-{new_id()}")["name"]
    run = run_deployment(deployed(api, work_pool_name=pool), job_variables={"env": {"A": "b"}}, work_queue_name="quick", timeout=0)
    assert (run.job_variables, run.work_pool_name, run.work_queue_name) == ({"env": {"A": "b"}}, pool, "quick")
