"""Tasks that wait for their next try when their flow run ends: they are not tried again, and hold its process up no longer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.children import Nursery
from support.worker import wait_for

FLOWS = """
from flowhand import task

@task(retries=3, retry_delay_seconds=20)
def fails(): print("try", flush=True); raise ValueError("no")

told = []

@task(retries=3, retry_delay_seconds=20)
async def fails_on_a_loop(): print("try", flush=True); told.append("try"); raise ValueError("no")

@task
def calls(): fails()

@task
async def calls_on_a_loop(): await fails_on_a_loop()

@task(retries=3)
def outlasts():
    print("try", flush=True)
    while not os.path.exists("over"): time.sleep(0.005)
    raise ValueError("no")

def flow_of(task, name):
    def main(): task.submit().result()
    return flow(main, name=name)

fails_flow, loop_flow, calls_flow, calls_loop_flow, outlasts_flow = (
    flow_of(one, one.name) for one in (fails, fails_on_a_loop, calls, calls_on_a_loop, outlasts)
)

@flow
def leaves_a_loop(broken):
    loop = asyncio.new_event_loop()
    left = loop.create_task(fails_on_a_loop())
    while "try" not in told: loop.run_until_complete(asyncio.sleep(0.005))
    loop.close()
    if broken: raise KeyError("broken")

@flow
def breaks():
    fails.submit()
    while not os.path.exists("over"): time.sleep(0.005)
    raise KeyError("broken")
"""


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """A fork server, and the flows."""
    found = Nursery(tmp_path_factory.mktemp("code"))
    found.write(FLOWS)
    yield found
    found.close()


@pytest.mark.parametrize("flow", ["fails_flow", "loop_flow", "calls_flow", "calls_loop_flow", "outlasts_flow"])
def test_a_stopped_run_waits_for_no_further_try(nursery: Nursery, tmp_path: Path, flow: str) -> None:
    """Submitted, on a loop of their own, called by another task, or failing after the stop alone: each ends Crashed at once."""
    with nursery.started(f"{nursery.folder}/flows.py:{flow}", directory=str(tmp_path)) as run:
        wait_for(lambda: "try" in run.stdout, 20)
        if flow != "outlasts_flow":
            run.wait_for("log", "Trying again")
        stopped = time.monotonic()
        run.stop("cancel")
        run.wait_for("end")
        (tmp_path / "over").touch()
    assert time.monotonic() - stopped < 10
    assert run.end["type"] == "CANCELLED"
    assert run.stdout.count("try") == 1
    last = {frame["name"]: frame for frame in run.of("task")}
    assert {frame["type"] for frame in last.values()} == {"CRASHED"}, last


def test_a_failed_run_waits_for_no_further_try(nursery: Nursery, tmp_path: Path) -> None:
    """The flow raises something else meanwhile."""
    with nursery.started(f"{nursery.folder}/flows.py:breaks", directory=str(tmp_path)) as run:
        run.wait_for("log", "Trying again")
        (tmp_path / "over").touch()
        began = time.monotonic()
    assert time.monotonic() - began < 10
    assert run.end["type"] == "FAILED"
    assert run.stdout.count("try") == 1


@pytest.mark.parametrize(("broken", "end"), [(False, "COMPLETED"), (True, "FAILED")])
def test_what_is_left_on_a_closed_loop_is_no_matter(nursery: Nursery, broken: bool, end: str) -> None:
    """A flow that closes a loop on which a task waits for its next try ends as it would have."""
    with nursery.started(f"{nursery.folder}/flows.py:leaves_a_loop", parameters={"broken": broken}) as run:
        pass
    assert (run.end["type"], run.stdout.count("try")) == (end, 1), run.end
    assert ("KeyError" in (run.end["message"] or "")) == broken
