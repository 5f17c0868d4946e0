"""SIGTERM to a script whose flows the API knows of: the run is Crashed at once, hooks are called, and the process dies of the signal."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from flowhand.adhoc.run_reporter import TERMINATED_S
from support.runner_api import Api
from support.scripts import script
from support.server import running_server
from support.worker import wait_for

WITHIN_S = 20.0
"""Less than the lease of a script: what is told here is told by the script itself."""
HOOKS = """
        import signal
        def hook(event): return lambda flow, run, state: print(event, state.name, flush=True)
        def on(): print("on", flush=True)
        def struck(): return signal.getsignal(signal.SIGTERM).__self__.struck
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


def asleep(pid: int) -> bool:
    """Whether the main thread of a process waits for something."""
    return Path(f"/proc/{pid}/task/{pid}/stat").read_text().rpartition(") ")[2].startswith("S")


def terminated(folder: Path, code: str, url: str, times: int = 1) -> tuple[int, list[str], str]:
    """What a script comes to that is sent SIGTERM whenever it has printed `on`: status, words and stderr."""
    with script(folder, HOOKS + code, FLOWHAND_API_URL=url) as process:
        assert process.stdout is not None
        for _ in range(times):
            while (line := process.stdout.readline()) != "on\n":
                assert line, process.communicate()[1]
            wait_for(lambda: asleep(process.pid), WITHIN_S)  # what comes in the instant before, Python hears when it wakes up
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
def test_a_run_that_is_just_made_known_is_crashed(tmp_path: Path, kind: str) -> None:
    """The server holds the answer back until SIGTERM has come: the flow that was called is not begun, and its run does not stay Pending."""
    head, call = ("def", "called()") if kind == "plain" else ("async def", "await called()")
    code = f"""
        import threading
        from flowhand.adhoc.run_reporter import _under_way
        def until(name, holds):
            while not any(one.run.about.name == name and holds(one.run) for one in tuple(_under_way)): time.sleep(0.001)
        def once_asked_for():
            until("called", lambda run: run.opening)
            on()
        @flow(flow_run_name="called", **EVENTS)
        {head} called(): print("begun", flush=True)
        @flow(flow_run_name="caller", **EVENTS)
        {head} caller():
            until("caller", lambda run: run.told)
            threading.Thread(target=once_asked_for).start()
            os.kill(int(os.environ["SERVER"]), signal.SIGSTOP)
            {call}
        {"caller()" if kind == "plain" else "asyncio.run(caller())"}
    """
    with running_server(tmp_path / "server") as server:
        with script(tmp_path, HOOKS + code, FLOWHAND_API_URL=server.url, SERVER=str(server.process.pid)) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "on\n", process.communicate()[1]
            wait_for(lambda: asleep(process.pid), WITHIN_S)
            process.send_signal(signal.SIGTERM)
            assert process.stdout.readline() == "on_crashed Crashed\n"
            server.process.send_signal(signal.SIGCONT)
            out, err = process.communicate(timeout=WITHIN_S)
        assert (process.returncode, out) == (-signal.SIGTERM, ""), err
        said = {name: (run["state_name"], run["state"]["message"]) for name, run in known(Api(server)).items()}
        assert said == dict.fromkeys(("caller", "called"), ("Crashed", "Flow run was stopped (a termination signal).")), err


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
            while not struck(): time.sleep(0.01)
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


def test_threads_that_fork_at_the_same_time_leave_nobody_deaf(api: Api, tmp_path: Path) -> None:
    """Neither in the processes that they fork nor in the script is SIGTERM blocked afterwards."""
    code = """
        import threading
        def blocked(): return signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, [])
        def fork(deaf):
            for _ in range(40):
                child = os.fork()
                if not child: os._exit(blocked())
                deaf.append(os.waitpid(child, 0)[1] or blocked())
        @flow(flow_run_name="threads", **EVENTS)
        def threads():
            deaf = []
            sys.setswitchinterval(1e-6)
            others = [threading.Thread(target=fork, args=(deaf,)) for _ in range(3)]
            for other in others: other.start()
            for other in others: other.join()
            try: on(); time.sleep(60)
            finally: print(len(deaf), sum(map(bool, deaf)), flush=True)
        threads()
    """
    status, said, err = terminated(tmp_path, code, api.server.url)
    assert (status, said) == (-signal.SIGTERM, ["120", "0", "on_crashed", "Crashed"]), err


def test_what_the_signal_does_not_end_leaves(api: Api, tmp_path: Path) -> None:
    """The kernel keeps SIGTERM's default action from the first process of a container; here it is blocked in all threads."""
    code = """
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        @flow(flow_run_name="spared", **EVENTS)
        def spared():
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
            try: on(); time.sleep(60)
            finally: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        try: spared()
        finally: print("reached", flush=True)
    """
    status, said, err = terminated(tmp_path, code, api.server.url)
    assert (status, said) == (128 + signal.SIGTERM, ["on_crashed", "Crashed"]), err


def test_an_async_flow_that_blocks_until_its_end_ends_as_it_would(api: Api, tmp_path: Path) -> None:
    """It is not Crashed after its body has returned; the flow around is, where it waits next."""
    code = """
        async def slow(flow, run, state):
            await asyncio.sleep(0.1)
            print("hook", flush=True)
        @flow(flow_run_name="blocks", on_completion=[slow])
        async def blocks():
            on()
            while not struck(): time.sleep(0.01)
        @flow(flow_run_name="about", **EVENTS)
        async def about():
            await blocks()
            try: await asyncio.sleep(60)
            finally: await asyncio.sleep(0.01); print("tidied", flush=True)
        asyncio.run(about())
    """
    status, said, err = terminated(tmp_path, code, api.server.url)
    assert (status, said[0], said[-2:]) == (-signal.SIGTERM, "hook", ["on_crashed", "Crashed"]), err
    assert [known(api)[name]["state_name"] for name in ("blocks", "about")] == ["Completed", "Crashed"]


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_a_stop_that_becomes_an_error_is_followed_by_no_other_try(api: Api, tmp_path: Path, kind: str) -> None:
    """The flow's code raises an error of its own, which would be tried again."""
    head, wait, call = ("def", "time", "f()") if kind == "plain" else ("async def", "await asyncio", "asyncio.run(f())")
    code = f"""
        @flow(flow_run_name="wraps-{kind}", retries=2, **EVENTS)
        {head} f():
            on()
            try: {wait}.sleep(60)
            except BaseException as error: raise RuntimeError("wrapped") from error
        {call}
    """
    status, said, err = terminated(tmp_path, code, api.server.url)
    assert (status, said) == (-signal.SIGTERM, ["on_crashed", "Crashed"]), err
    run = known(api)[f"wraps-{kind}"]
    assert (run["state_name"], run["run_count"]) == ("Crashed", 1)


def test_a_stop_in_a_finalizer_is_not_lost(api: Api, tmp_path: Path) -> None:
    """The interpreter ignores what is raised there; it is raised again behind it, and nothing is said of it."""
    code = """
        class Slow:
            def __del__(self): on(); time.sleep(60)
        @flow(flow_run_name="finalizer", **EVENTS)
        def finalizer():
            Slow()
            try: time.sleep(60)
            finally: print("tidied", flush=True)
        finalizer()
        finalizer()
    """
    status, said, err = terminated(tmp_path, code, api.server.url)
    assert (status, said) == (-signal.SIGTERM, ["tidied", "on_crashed", "Crashed"]), err
    assert "ignored" not in err


def test_without_a_run_it_is_the_default_action(api: Api, tmp_path: Path) -> None:
    """The script has put our handler back, after the flow in which it found it."""
    code = """
        @flow
        def finds(): return signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, finds())
        try: on(); time.sleep(60)
        finally: print("reached", flush=True)
    """
    status, said, err = terminated(tmp_path, code, api.server.url)
    assert (status, said) == (-signal.SIGTERM, []), err
    assert "Error" not in err


def test_an_api_that_does_not_answer_is_waited_for_once(tmp_path: Path) -> None:
    """One that is away and one that is frozen, of runs within runs, while the loop's threads are all at work: the script says what is not
    known, and is gone within one time."""
    code = """
        @flow(flow_run_name="inner")
        async def inner(): on(); await asyncio.gather(*(asyncio.to_thread(time.sleep, 60) for _ in range(40)))
        @flow(flow_run_name="outer", **EVENTS)
        async def outer(): await inner()
        asyncio.run(outer())
    """
    with running_server(tmp_path / "server") as server:
        (tmp_path / "frozen").mkdir()
        with (
            script(tmp_path, HOOKS + code, FLOWHAND_API_URL="http://127.0.0.1:9/api") as away,
            script(tmp_path / "frozen", HOOKS + code, FLOWHAND_API_URL=server.url) as frozen,
        ):
            for process in (away, frozen):
                assert process.stdout is not None
                assert process.stdout.readline() == "on\n"
                wait_for(partial(asleep, process.pid), WITHIN_S)
            server.process.send_signal(signal.SIGSTOP)
            since = time.monotonic()
            for process in (away, frozen):
                process.send_signal(signal.SIGTERM)
            for process in (away, frozen):
                out, err = process.communicate(timeout=WITHIN_S)
                assert (process.returncode, out.split()) == (-signal.SIGTERM, ["on_crashed", "Crashed"]), err
                assert "does not know how 2 run(s) ended" in err
            assert time.monotonic() - since < TERMINATED_S + 2
        server.kill()
