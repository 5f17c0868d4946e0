"""Background tasks of a real Prefect client: `task.delay()` in one process, `task.serve()` in another, our server between them."""

from __future__ import annotations

import os
import signal

import pytest

from support.prefect_client import PrefectClient

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # the first one makes the client's environment

TASKS = """
import os, sys, time
from pathlib import Path
from prefect import task
from prefect.task_worker import serve

@task(log_prints=True)
def add(a, b):
    Path(f"added-{a}-{b}").write_text(str(os.getpid()))
    return a + b

if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(add)
    else:
        for word in sys.argv[1:]:
            print("made", add.delay(int(word), 1).task_run_id)
"""


def test_tasks_are_executed_by_who_serves_them(client: PrefectClient) -> None:
    """Also those that were made before: each once; who serves is listed while he does; a killed one's place is taken by the next."""
    (client.folder / "tasks.py").write_text(TASKS)
    early = _delay(client, "1", "2")
    assert {client.get(f"/task_runs/{one}")["state_name"] for one in early} == {"Scheduled"}
    assert client.post("/task_workers/filter") == []
    with client.running("python", "tasks.py", "serve") as serving:
        for one in early:
            client.until(lambda one=one: client.get(f"/task_runs/{one}")["state_name"] == "Completed", "the task is executed")
        (worker,) = client.post("/task_workers/filter")
        (key,) = worker["task_keys"]
        assert key == client.get(f"/task_runs/{early[0]}")["task_key"]
        (named,) = client.post("/task_workers/filter", task_worker_filter={"task_keys": [key]})
        assert named["identifier"] == worker["identifier"]
        assert client.post("/task_workers/filter", task_worker_filter={"task_keys": ["another"]}) == []
        os.killpg(serving.pid, signal.SIGKILL)
        client.until(lambda: client.post("/task_workers/filter") == [], "the one that was killed is listed no more")
    (late,) = _delay(client, "3")
    with client.running("python", "tasks.py", "serve"), client.running("python", "tasks.py", "serve"):
        client.until(lambda: client.get(f"/task_runs/{late}")["state_name"] == "Completed", "the next one executes it")
        names = [state["name"] for state in client.api.get("/task_run_states/", params={"task_run_id": late}).json()]
        assert names == ["Scheduled", "Pending", "Running", "Completed"]


def _delay(client: PrefectClient, *words: str) -> list[str]:
    """Makes background tasks; the ids of their task runs."""
    with client.running("python", "tasks.py", *words) as process:
        assert process.wait(90) == 0, client.printed()
    return [line.split()[1] for line in client.printed().splitlines() if line.startswith("made ")][-len(words) :]
