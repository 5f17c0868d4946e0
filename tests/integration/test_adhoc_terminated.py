"""SIGTERM to a script whose flows the API knows of: the run is Crashed at once, hooks are called, and the process dies of the signal."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.runner_api import Api
from support.scripts import script
from support.server import running_server

WITHIN_S = 20.0
"""Less than the lease of a script: what is told here is told by the script itself."""
HOOKS = """
        import signal
        def hook(event): return lambda flow, run, state: print(event, state.name, flush=True)
        def on(): print("on", flush=True)
        EVENTS = {event: [hook(event)] for event in ("on_crashed", "on_failure", "on_cancellation", "on_completion")}
"""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server as it comes."""
    with running_server(tmp_path_factory.mktemp("server")) as server:
        yield Api(server)


def known(api: Api) -> dict[str, Any]:
    """The runs that the API knows of, by flow."""
    return {run["name"]: run for run in api.call("POST", "/flow_runs/filter", {})}


def terminated(folder: Path, code: str, url: str, times: int = 1) -> tuple[int, list[str], str]:
    """What a script comes to that is sent SIGTERM whenever it has printed `on`: status, words and stderr."""
    with script(folder, HOOKS + code, FLOWHAND_API_URL=url) as process:
        assert process.stdout is not None
        for _ in range(times):
            while (line := process.stdout.readline()) != "on\n":
                assert line, process.communicate()[1]
            process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=WITHIN_S)
        return process.returncode, out.split(), err


@pytest.mark.parametrize(
    ("how", "head", "wait"),
    [
        ("main", "def", "on(); time.sleep(60)"),
        ("loop", "async def", "on(); await asyncio.sleep(60)"),
        ("gathered", "async def", "on(); await asyncio.gather(asyncio.sleep(60), asyncio.sleep(60))"),
    ],
    ids=["main", "loop", "gathered"],
)
def test_a_terminated_run_is_crashed_at_once(api: Api, tmp_path: Path, how: str, head: str, wait: str) -> None:
    """Its `finally` blocks run, what it has said arrives, and what stands after the call is not reached."""
    code = f"""
        @flow(flow_run_name="{how}", **EVENTS)
        {head} waits():
            get_run_logger().info("said by {how}")
            try: {wait}
            finally: print("tidied", flush=True)
        try: {"waits()" if how == "main" else "asyncio.run(waits())"}
        finally: print("reached", flush=True)
    """
    status, said, err = terminated(tmp_path, code, api.server.url)
    assert (status, said) == (-signal.SIGTERM, ["tidied", "on_crashed", "Crashed"]), err
    run = known(api)[how]
    assert (run["state_name"], run["state"]["message"]) == ("Crashed", "Flow run was stopped (a termination signal).")
    assert any(line["message"] == f"said by {how}" for line in api.call("POST", "/logs/filter", {}))


def test_runs_within_runs_are_crashed_from_the_inside(api: Api, tmp_path: Path) -> None:
    """An async flow that calls a plain one, and one that waits beside it; also where the code around takes no notice."""
    code = """
        @flow(flow_run_name="beside", **EVENTS)
        async def beside(): await asyncio.sleep(60)
        @flow(flow_run_name="deep", **EVENTS)
        async def deep():
            on()
            await asyncio.sleep(60)
        @flow(flow_run_name="middle", **EVENTS)
        async def middle(): await asyncio.gather(beside(), deep())
        @flow(flow_run_name="outer", **EVENTS)
        def outer():
            try: asyncio.run(middle())
            except BaseException as error: print(type(error).__name__, flush=True)
        outer()
    """
    status, said, err = terminated(tmp_path, code, api.server.url)
    assert (status, said[-3:]) == (-signal.SIGTERM, ["RunStopped", "on_completion", "Completed"]), err
    names = {name: run["state_name"] for name, run in known(api).items() if name in ("beside", "deep", "middle", "outer")}
    assert names == {"beside": "Crashed", "deep": "Crashed", "middle": "Crashed", "outer": "Completed"}, err


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_a_run_that_waits_for_its_next_try_is_crashed(api: Api, tmp_path: Path, kind: str) -> None:
    """The pause between two tries ends, and on_crashed is called."""
    head, call = ("def", "fails()") if kind == "plain" else ("async def", "asyncio.run(fails())")
    code = f"""
        import logging
        class Ear(logging.Handler):
            def emit(self, record): "Trying again" in record.getMessage() and on()
        logging.getLogger("flowhand").addHandler(Ear())
        @flow(flow_run_name="paused-{kind}", retries=1, retry_delay_seconds=60, **EVENTS)
        {head} fails(): raise ValueError("once")
        {call}
    """
    status, said, err = terminated(tmp_path, code, api.server.url)
    assert (status, said) == (-signal.SIGTERM, ["on_crashed", "Crashed"]), err
    assert known(api)[f"paused-{kind}"]["state_name"] == "Crashed"


def test_a_run_that_has_ended_stays_as_it_ended(api: Api, tmp_path: Path) -> None:
    """SIGTERM comes in the hook of a flow that completed: the hook ends, the state is told, and the run around is Crashed."""
    code = """
        def slow(flow, run, state):
            on()
            while signal.getsignal(signal.SIGTERM).__self__.struck is False: time.sleep(0.01)
            print("hook", flush=True)
        @flow(flow_run_name="done", on_completion=[slow])
        def done(): pass
        @flow(flow_run_name="around", **EVENTS)
        def around():
            done()
            time.sleep(60)
        around()
    """
    status, said, err = terminated(tmp_path, code, api.server.url)
    assert (status, said) == (-signal.SIGTERM, ["hook", "on_crashed", "Crashed"]), err
    assert [known(api)[name]["state_name"] for name in ("done", "around")] == ["Completed", "Crashed"]


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_handler_of_the_scripts_own_wins(api: Api, tmp_path: Path, when: str) -> None:
    """Whether it was there before the flow was called, or is set by it."""
    own = "signal.signal(signal.SIGTERM, lambda *_: (print('mine', flush=True), sys.exit(3)))"
    code = f"""
        {own if when == "before" else ""}
        @flow(flow_run_name="own-{when}", **EVENTS)
        def waits():
            {own}
            on()
            time.sleep(60)
        waits()
    """
    status, said, err = terminated(tmp_path, code, api.server.url)
    assert (status, said) == (3, ["mine", "on_failure", "Failed"]), err


def test_a_second_signal_ends_it_on_the_spot(api: Api, tmp_path: Path) -> None:
    """A flow that takes its time to tidy up."""
    code = """
        @flow
        def stubborn():
            try: on(); time.sleep(60)
            finally: on(); time.sleep(60)
        stubborn()
    """
    assert terminated(tmp_path, code, api.server.url, times=2)[0] == -signal.SIGTERM


def test_a_process_that_a_flow_forks_dies_as_it_would(api: Api, tmp_path: Path) -> None:
    """Of its own SIGTERM, and without a word about the run, which goes on."""
    code = """
        import multiprocessing
        @flow(flow_run_name="forks", **EVENTS)
        def forks():
            child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
            child.start()
            child.terminate()
            child.join()
            print(child.exitcode, flush=True)
        forks()
        print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
    """
    with script(tmp_path, HOOKS + code, FLOWHAND_API_URL=api.server.url) as process:
        out, err = process.communicate(timeout=WITHIN_S)
    assert (process.returncode, out.split()) == (0, ["-15", "on_completion", "Completed", "True"]), err
    assert known(api)["forks"]["state_name"] == "Completed"
