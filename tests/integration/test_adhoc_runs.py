"""A flow that is called in a plain script is a run that the API knows of. Real scripts, a real server with short leases."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.runner_api import Api
from support.scripts import run_script, script
from support.server import running_server

LEASE_S = 9.0  # a server on a busy machine must still tick three times in it, or nothing is reaped
WITHIN_S = 60.0
ENVIRON = {"FLOWHAND_SERVER_LEASE": str(LEASE_S), "FLOWHAND_SERVER_GRACE": "6"}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with running_server(tmp_path_factory.mktemp("server"), environ=ENVIRON) as server:
        yield Api(server)


@pytest.fixture
def unused_api(tmp_path: Path) -> Iterator[Api]:
    """One that no script with a usual lease, which is ten times as long, has had a session with: nothing is reaped for as long after it."""
    with running_server(tmp_path / "server", environ=ENVIRON) as server:
        yield Api(server)


def known(api: Api, flow: str) -> list[dict[str, Any]]:
    """The runs of a flow, the first one first."""
    body = {"flows": {"name": {"any_": [flow]}}, "sort": "EXPECTED_START_TIME_ASC"}
    return api.call("POST", "/flow_runs/filter", body)


def states(api: Api, run: dict[str, Any]) -> list[str]:
    return [state["name"] for state in api.call("GET", f"/flow_run_states/?flow_run_id={run['id']}")]


def lines(api: Api, run: dict[str, Any]) -> list[str]:
    body = {"logs": {"flow_run_id": {"any_": [run["id"]]}}, "sort": "TIMESTAMP_ASC"}
    return [line["message"] for line in api.call("POST", "/logs/filter", body)]


def eventually(api: Api, flow: str, state: str, within_s: float = WITHIN_S) -> dict[str, Any]:
    """The flow's run, once it is in that state."""
    deadline = time.monotonic() + within_s
    while True:
        found = known(api, flow)
        if found and found[0]["state_name"] == state:
            return found[0]
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def test_a_call_is_a_run_with_all_that_belongs_to_it(api: Api, tmp_path: Path) -> None:
    """Name, parameters, version, policy, states and log lines, in order, all there when the call returns."""
    code = """
        import httpx
        from flowhand.runtime import flow_run

        @task
        def told(x): get_run_logger().info("in the task"); return x

        @flow(log_prints=True, flow_run_name="of-{n}", retries=2, retry_delay_seconds=7, persist_result=True)
        def whole(n: int, other=object()):
            print("from print"); get_run_logger().warning("from the logger")
            print(flow_run.id)
            return told(n)

        print(whole("3"))
        flows = {"name": {"any_": ["whole"]}}
        print(httpx.post(os.environ["FLOWHAND_API_URL"] + "/flow_runs/filter", json={"flows": flows}).json()[0]["state_name"])
    """
    out, _ = run_script(tmp_path, code, FLOWHAND_API_URL=api.server.url)
    run = known(api, "whole")[0]
    assert out.split() == ["3", "Completed"]
    assert states(api, run) == ["Scheduled", "Pending", "Running", "Completed"]
    assert (run["name"], run["run_count"], run["deployment_id"]) == ("of-3", 1, None)
    assert run["parameters"]["n"] == 3
    assert run["parameters"]["other"].startswith("<object object at")
    assert (run["empirical_policy"]["retries"], run["empirical_policy"]["retry_delay"]) == (2, 7)
    assert len(run["flow_version"]) == 32
    said = lines(api, run)
    assert said[1:5] == ["from print", "from the logger", run["id"], "in the task"]
    assert said[-1].startswith("Finished in state Completed")
    tasks = api.call("POST", "/task_runs/filter", {"flow_runs": {"id": {"any_": [run["id"]]}}})
    assert [(one["name"], one["state_type"], one["run_count"]) for one in tasks] == [("told-0", "COMPLETED", 1)]


def test_an_async_flow_is_one_as_well(api: Api, tmp_path: Path) -> None:
    code = """
        @flow
        async def on_a_loop(): await asyncio.sleep(0); return 5
        print(asyncio.run(on_a_loop()))
    """
    assert run_script(tmp_path, code, FLOWHAND_API_URL=api.server.url)[0] == "5\n"
    assert states(api, known(api, "on-a-loop")[0])[-2:] == ["Running", "Completed"]


def test_a_failed_try_is_followed_by_another_in_the_same_process(api: Api, tmp_path: Path) -> None:
    """Through the server's own states; the run is the same, its attempts are counted."""
    code = """
        tries = []
        @flow(retries=2, retry_delay_seconds=0.1)
        def shaky():
            tries.append(1)
            if len(tries) < 3: raise ValueError(f"try {len(tries)}")
            return len(tries)
        print(shaky())
    """
    assert run_script(tmp_path, code, FLOWHAND_API_URL=api.server.url)[0] == "3\n"
    run = known(api, "shaky")[0]
    again = ["AwaitingRetry", "Pending", "Running"]
    assert states(api, run) == ["Scheduled", "Pending", "Running", *again, *again, "Completed"]
    assert run["run_count"] == 3


def test_how_a_call_fails_is_told(api: Api, tmp_path: Path) -> None:
    """By an exception, by its time-out, by Ctrl-C between two tries."""
    code = """
        import signal, threading
        @flow
        def broken(): raise ValueError("no such thing")
        @flow(timeout_seconds=0.2)
        def slow(): time.sleep(60)
        @flow(retries=1, retry_delay_seconds=60)
        def interrupted():
            threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
            raise ValueError("once")
        for each in (broken, slow, interrupted):
            try: each()
            except BaseException as error: print(type(error).__name__)
    """
    out, _ = run_script(tmp_path, code, FLOWHAND_API_URL=api.server.url)
    assert out.split() == ["ValueError", "FlowTimeout", "KeyboardInterrupt"]
    ends = [known(api, name)[0]["state"] for name in ("broken", "slow", "interrupted")]
    assert [end["name"] for end in ends] == ["Failed", "TimedOut", "Crashed"]
    assert [end["message"] for end in ends] == [
        "Flow run encountered an exception: ValueError: no such thing",
        "Flow run exceeded timeout of 0.2 second(s)",
        "Flow run was interrupted (KeyboardInterrupt).",
    ]


def test_a_flow_called_by_a_flow_is_a_run_of_its_own(api: Api, tmp_path: Path) -> None:
    """Linked through a task run of the caller, which ends with it."""
    code = """
        @flow(log_prints=True)
        def inner(n): print(f"inner {n}"); return n
        @flow
        def outer(): return [inner(1), inner(2)]
        print(outer())
    """
    assert run_script(tmp_path, code, FLOWHAND_API_URL=api.server.url)[0] == "[1, 2]\n"
    outer, inner = known(api, "outer")[0], known(api, "inner")
    links = [api.call("GET", f"/task_runs/{run['parent_task_run_id']}") for run in inner]
    assert [(link["flow_run_id"], link["dynamic_key"], link["state_name"]) for link in links] == [
        (outer["id"], "0", "Completed"),
        (outer["id"], "1", "Completed"),
    ]
    assert "inner 2" in lines(api, inner[1])
    assert "inner 2" not in lines(api, outer)


@pytest.mark.slow
@pytest.mark.timeout(240)  # on a busy machine the server's ticks come late, and each late one is followed by a whole lease of patience
def test_a_script_that_dies_loses_its_lease(unused_api: Api, tmp_path: Path) -> None:
    """The lease is renewed as long as it lives, and its run is called Crashed when it does not."""
    code = """
        @flow
        def doomed(): print("on", flush=True); time.sleep(600)
        doomed()
    """
    with script(tmp_path, code, FLOWHAND_API_URL=unused_api.server.url, FLOWHAND_WORKER_HEARTBEAT="0.3") as process:
        assert process.stdout is not None
        process.stdout.readline()
        eventually(unused_api, "doomed", "Running")
        time.sleep(LEASE_S + 1)  # what is shown is that time passes and the lease does not
        assert known(unused_api, "doomed")[0]["state_name"] == "Running"
        process.kill()
        run = eventually(unused_api, "doomed", "Crashed", within_s=180)
    assert "Lost contact with worker 'script.py'" in run["state"]["message"]


@pytest.mark.parametrize("how", ["in the main thread", "in another thread", "on a loop"])
def test_a_cancelled_run_is_interrupted(api: Api, tmp_path: Path, how: str) -> None:
    """Its caller gets CancelledRun, its `finally` blocks run, and its hooks are those of a cancellation."""
    name = "cancelled-" + how.replace(" ", "-")
    wait, maybe = ("await asyncio.sleep(60)", "async ") if how == "on a loop" else ("[time.sleep(0.1) for _ in range(600)]", "")
    call = {
        "in the main thread": "waiting()",
        "in another thread": "ThreadPoolExecutor().submit(waiting).result()",
        "on a loop": "asyncio.run(waiting())",
    }
    code = f"""
        from concurrent.futures import ThreadPoolExecutor
        def hook(event): return lambda flow, run, state: print(event, state.name, flush=True)
        @flow(name="{name}", on_crashed=[hook("on_crashed")], on_cancellation=[hook("on_cancellation")])
        {maybe}def waiting():
            try: {wait}
            finally: print("tidied", flush=True)
        try: {call[how]}
        except BaseException as error: print(type(error).__name__)
    """
    with script(tmp_path, code, FLOWHAND_API_URL=api.server.url, FLOWHAND_WORKER_HEARTBEAT="0.3") as process:
        run = eventually(api, name, "Running")
        api.set_state(run["id"], "CANCELLING", name="Cancelling")
        out, err = process.communicate(timeout=WITHIN_S)
    assert out.split() == ["tidied", "on_cancellation", "Cancelled", "CancelledRun"], err
    assert "Finished in state Cancelled" in err
    assert known(api, name)[0]["state_name"] == "Cancelled"


def test_many_lines_arrive_whole_and_in_order(api: Api, tmp_path: Path) -> None:
    """More than one report can carry, and one line that is longer than all."""
    code = """
        @flow
        def talkative():
            log = get_run_logger()
            for n in range(3000): log.info("%05d %s", n, "x" * 100)
            log.info("y" * 1_000_000)
        talkative()
    """
    run_script(tmp_path, code, FLOWHAND_API_URL=api.server.url)
    run, said = known(api, "talkative")[0], list[str]()
    while True:
        body = {"logs": {"flow_run_id": {"any_": [run["id"]]}}, "sort": "TIMESTAMP_ASC", "offset": len(said)}
        page = [line["message"] for line in api.call("POST", "/logs/filter", body)]
        said += page
        if not page:
            break
    assert [line[:5] for line in said if line[:5].isdigit()] == [f"{n:05}" for n in range(3000)]
    assert max(map(len, said)) == 150_000


def test_secrets_that_a_script_loads_are_masked(api: Api, tmp_path: Path) -> None:
    """In what the API is told: lines, of subflows and tasks as well, and states; the script's own output is its own."""
    code = """
        from flowhand.blocks import Secret

        Secret(value="s3same-of-the-script").save("of-the-script", overwrite=True)
        value = Secret.load("of-the-script").get()

        @flow
        def within_it(): get_run_logger().info("inside %s", value)

        @flow(log_prints=True)
        def leaking():
            within_it()
            print("printed", value)
            raise ValueError(f"failed with {value}")

        try:
            leaking()
        except ValueError as error:
            print(error)
    """
    out, _ = run_script(tmp_path, code, FLOWHAND_API_URL=api.server.url)
    assert "failed with s3same-of-the-script" in out
    run = known(api, "leaking")[0]
    assert "printed ********" in lines(api, run)
    assert "inside ********" in lines(api, known(api, "within-it")[0])
    assert "s3same" not in str([run, api.call("GET", f"/flow_run_states/?flow_run_id={run['id']}"), lines(api, run)])
