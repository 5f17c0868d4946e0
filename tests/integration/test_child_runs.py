"""The child program, for real: forked from a warm process, spoken to over its channel."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from flowhand.child import rehearsal
from flowhand.child.engine import NOT_BEGUN
from flowhand.wire.records import MAX_BODY
from support.children import Nursery


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    nursery = Nursery(tmp_path_factory.mktemp("nursery"))
    yield nursery
    nursery.close()


@pytest.fixture
def nursery(server: Nursery, tmp_path: Path) -> Nursery:
    server.folder = tmp_path
    return server


def test_a_run_says_running_and_end(nursery: Nursery) -> None:
    """The frames of a plain run, in order, with what the daemon needs."""
    run = nursery.run(
        """
        @flow(retries=2, retry_delay_seconds=0.5, timeout_seconds=9, flow_run_name="run of {x}")
        def main(x: int):
            pass
        """,
        parameters={"x": "3"},
    )
    assert [frame["k"] for frame in run.frames] == ["running", "end"]
    running = run.frames[0]
    assert (running["retries"], running["retry_delay_s"], running["timeout_s"], running["run_name"]) == (2, 0.5, 9, "run of 3")
    assert abs(running["t"] / 1e6 - time.time()) < 60
    assert running["flow_version"] == run.frames[0]["flow_version"]
    assert run.end == {"k": "end", "type": "COMPLETED", "name": "Completed", "message": None, "data": None, "error": None}
    assert run.code == 0


def test_a_run_imports_no_module_but_the_users(nursery: Nursery) -> None:
    """The rehearsal has loaded all that a run needs: plain, async, with models, failing, late, retried or printing."""
    nursery.write(
        """
        from pydantic import BaseModel
        class Item(BaseModel):
            name: str
        def report():
            sys.stderr.write(",".join(sorted(set(sys.modules) - set(os.environ["KNOWN_MODULES"].split(",")))))
        import atexit; atexit.register(report)
        @flow(log_prints=True, persist_result=True)
        def plain(item: Item, n: int):
            print(item, n); get_run_logger().warning("x"); return {"a": 1}
        @flow(timeout_seconds=0.01)
        async def coroutine():
            await asyncio.sleep(5)
        @flow(on_failure=[lambda *a: None])
        def failing():
            raise RuntimeError("no")
        """
    )
    for entrypoint, parameters in (
        ("flows.py:plain", {"item": {"name": "a"}, "n": "1"}),
        ("flows.py:coroutine", {}),
        ("flows:failing", {}),
    ):
        run = nursery.run(entrypoint=entrypoint, parameters=parameters)
        assert run.stderr.split(",") == ["flows"], entrypoint


def test_parameters_that_do_not_fit_fail_the_run_before_it_begins(nursery: Nursery) -> None:
    """The state's message names the parameter, what was given and what was wanted; user code never runs."""
    run = nursery.run("@flow\ndef main(count: int, when: str = ''):\n    print('ran')", parameters={"count": "many"})
    assert run.of("running") == []
    assert run.end["type"] == "FAILED"
    assert run.end["message"].startswith("Validation of flow parameters failed: ")
    assert "count: input should be a valid integer" in run.end["message"]
    assert "'many'" in run.end["message"]
    missing = nursery.run(parameters={})
    assert "missing a required argument: 'count'" in missing.end["message"]
    unknown = nursery.run(parameters={"count": 1, "cout": 2})
    assert "unexpected keyword argument 'cout'" in unknown.end["message"]


@pytest.mark.parametrize(
    ("body", "kind", "name", "words"),
    [
        ("raise ValueError('no')", "FAILED", "Failed", "Flow run encountered an exception: ValueError: no"),
        ("raise ValueError", "FAILED", "Failed", "Flow run encountered an exception: ValueError"),
        ("def f(): f()\n    f()", "FAILED", "Failed", "RecursionError"),
        ("sys.exit(3)", "FAILED", "Failed", "sys.exit(3)"),
        ("sys.exit('disk is full')", "FAILED", "Failed", "disk is full"),
        ("sys.exit()", "COMPLETED", "Completed", "left by sys.exit()"),
        ("raise KeyboardInterrupt", "CRASHED", "Crashed", "KeyboardInterrupt"),
        ("raise GeneratorExit", "CRASHED", "Crashed", "GeneratorExit"),
        ("raise BaseExceptionGroup('many', [GeneratorExit()])", "CRASHED", "Crashed", "many"),
        (
            "class Odd(Exception):\n        def __str__(self): raise OSError('odd')\n    raise Odd",
            "FAILED",
            "Failed",
            "text cannot be shown",
        ),
        ("raise ValueError('\\ud800')", "FAILED", "Failed", "ValueError: \\ud800"),
        ("from flowhand.states import Failed; return Failed(message='not today')", "FAILED", "Failed", "not today"),
        ("from flowhand.states import Completed; return Completed(name='Skipped')", "COMPLETED", "Skipped", ""),
        ("from flowhand.states import Cancelled; return Cancelled(message='m')", "CANCELLED", "Cancelled", "m"),
        ("from flowhand.states import Running; return Running()", "FAILED", "Failed", "does not end a run"),
        ("time.sleep(9)", "FAILED", "TimedOut", "Flow run exceeded timeout of 0.2 second(s)"),
    ],
)
def test_each_way_to_end_has_its_state(nursery: Nursery, body: str, kind: str, name: str, words: str) -> None:
    """The end frame for what a flow may do."""
    run = nursery.run(f"@flow(timeout_seconds=0.2)\ndef main():\n    {body}\n")
    assert (run.end["type"], run.end["name"]) == (kind, name)
    assert words in (run.end["message"] or "")
    assert run.code == 0


def test_a_failure_carries_its_traceback_without_our_frames(nursery: Nursery) -> None:
    """In the end frame and as a log line at ERROR; the first frame is the flow's."""
    run = nursery.run("@flow\ndef main():\n    raise ValueError('no')")
    error = run.end["error"]
    assert (error["type"], error["message"]) == ("ValueError", "no")
    assert "flows.py" in error["traceback"]
    assert "attempt.py" not in error["traceback"]
    (line,) = run.of("log")
    assert line["l"] == 40
    assert line["n"] == "flowhand.flow_runs"
    assert "raise ValueError('no')" in line["m"]


def test_a_timeout_lets_finally_run(nursery: Nursery) -> None:
    """Plain code by an alarm, async code by cancellation; what they do in `finally` is in the log."""
    text = """
    @flow(timeout_seconds=0.1, log_prints=True)
    def main():
        try: time.sleep(9)
        finally: print("tidied")
    @flow(timeout_seconds=0.1, log_prints=True)
    async def other():
        try: await asyncio.sleep(9)
        finally:
            await asyncio.sleep(0)
            print("tidied")
    """
    for entrypoint in ("flows.py:main", "flows.py:other"):
        run = nursery.run(text, entrypoint)
        assert run.end["name"] == "TimedOut"
        assert run.messages() == ["tidied"]


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_cancel_interrupts_runs_finally_and_hooks_and_says_cancelled(nursery: Nursery, kind: str) -> None:
    """The reason in the stop frame decides; `except Exception` does not swallow it."""
    sleep = "await asyncio.sleep(30)" if kind.startswith("async") else "time.sleep(30)"
    nursery.write(
        f"""
        def hook(flow, flow_run, state):
            get_run_logger().info("hook %s %s", flow_run.name, state.name)
        @flow(log_prints=True, on_cancellation=[hook])
        {kind} main():
            try:
                print("ready")
                {sleep}
            except Exception: print("swallowed")
            finally: print("tidied")
        """
    )
    with nursery.started() as run:
        run.wait_for("log", "ready")
        run.stop("cancel")
    assert run.messages() == ["ready", "tidied", "hook rehearsal Cancelled"]
    assert run.end["type"] == "CANCELLED"
    assert run.code == 0


@pytest.mark.parametrize("why", ["drain", "fenced", "lease", "revoked"])
def test_other_stops_leave_the_word_to_the_daemon(nursery: Nursery, why: str) -> None:
    """`finally` runs, no end frame is sent, and the exit code says that it was stopped."""
    nursery.write(
        """
        @flow(log_prints=True)
        def main():
            try:
                print("ready")
                time.sleep(30)
            finally: print("tidied")
        """
    )
    with nursery.started() as run:
        run.wait_for("log", "ready")
        run.stop(why)
    assert run.messages() == ["ready", "tidied"]
    assert run.of("end") == []
    assert run.code == 143


@pytest.mark.parametrize("drained", [True, False], ids=["drain", "SIGTERM"])
@pytest.mark.parametrize(("policy", "called"), [("crash", ["on_crashed"]), ("retry", [])])
def test_what_cuts_off_a_run_that_is_begun_again_is_no_crash(nursery: Nursery, policy: str, called: list[str], drained: bool) -> None:
    """A drain, or a SIGTERM of somebody else's: under `retry` no hook is called, and none is promised."""
    nursery.write(
        """
        def hook(flow, flow_run, state): print("on_crashed")

        @flow(on_crashed=[hook])
        def main():
            get_run_logger().info("ready")
            time.sleep(30)
        """
    )
    with nursery.started(crash_policy=policy) as run:
        run.wait_for("log", "ready")
        if drained:
            run.stop("drain")
        else:
            psutil.Process(run.pid).terminate()
    assert run.of("end") == []
    assert len(run.of("hooks")) == len(called)
    assert run.stdout.split() == called


def test_a_cancel_before_user_code_begins(nursery: Nursery) -> None:
    """At the barrier as well: no user code, no running frame, state Cancelled."""
    nursery.write("@flow\ndef main():\n    pass")
    with nursery.started(start_at=time.clock_gettime(time.CLOCK_BOOTTIME) + 60) as run:
        run.wait_for("loaded")
        run.stop("cancel")
    assert run.of("running") == []
    assert run.end["type"] == "CANCELLED"


def test_the_barrier_holds_until_its_time(nursery: Nursery) -> None:
    """Loaded early, running not before `start_at`, and soon after it."""
    at = time.clock_gettime(time.CLOCK_BOOTTIME) + 0.5
    offset = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    run = nursery.run("@flow\ndef main():\n    pass", start_at=at)
    late = run.of("running")[0]["t"] / 1e6 - (at + offset)
    assert -0.001 <= late < 0.3


def test_a_child_whose_lease_is_over_does_not_begin(nursery: Nursery) -> None:
    """It says nothing and leaves with the code for that."""
    run = nursery.run("@flow\ndef main():\n    print('ran')", lease_until=time.clock_gettime(time.CLOCK_BOOTTIME) - 1)
    assert run.of("running") == run.of("end") == []
    assert run.code == NOT_BEGUN


def test_logs_of_every_kind_reach_the_channel(nursery: Nursery) -> None:
    """Run logger, print, the user's own loggers, warnings, exceptions, threads; stdout stays for what is not ours."""
    run = nursery.run(
        """
        import warnings
        log = logging.getLogger("mine")
        @flow(log_prints=True)
        def main():
            get_run_logger().info("run %d", 1)
            print("two", "words", sep="-")
            print("aside", file=sys.stderr)
            log.warning("three")
            log.debug("not this")
            warnings.warn("four")
            try: 1 / 0
            except ZeroDivisionError: log.exception("five")
            thread = threading.Thread(target=lambda: get_run_logger().info("six")); thread.start(); thread.join()
            os.write(1, b"raw\\n")
            log.info("%d", "seven")
            logging.config.dictConfig({"version": 1})
            get_run_logger().info("eight")
            log.error("\\ud800 nine")
        import logging.config
        """
    )
    lines = [(frame["n"], frame["l"], frame["m"].splitlines()[0]) for frame in run.of("log")]
    assert lines[:3] == [("flowhand.flow_runs", 20, "run 1"), ("flowhand.flow_runs", 20, "two-words"), ("mine", 30, "three")]
    assert lines[3][0] == "py.warnings"
    assert "four" in lines[3][2]
    assert lines[4] == ("mine", 40, "five")
    assert lines[5] == ("flowhand.flow_runs", 20, "six")
    assert "cannot be formatted" in lines[6][2]
    assert lines[7] == ("flowhand.flow_runs", 20, "eight")
    assert run.stdout == "raw\n"
    assert "aside" in run.stderr


def test_a_long_line_goes_in_parts(nursery: Nursery) -> None:
    """No packet is longer than 64 KiB, and the parts make the line again."""
    run = nursery.run("@flow(log_prints=True)\ndef main():\n    print('x' * 10_000_000 + 'end')")
    assert run.messages() == ["x" * 10_000_000 + "end"]
    assert max(map(len, run.packets)) <= MAX_BODY
    assert run.end["type"] == "COMPLETED"


def test_processes_and_threads_of_a_flow_share_the_channel(nursery: Nursery) -> None:
    """Forked processes log through it, only the main one ends the run, no line is torn, and a pool can be terminated."""
    run = nursery.run(
        """
        import multiprocessing
        def work(number):
            logging.getLogger("pool").warning("line %s %s", number, "y" * 70_000)
            return number
        @flow(persist_result=True)
        def main():
            with multiprocessing.get_context("fork").Pool(3) as pool:
                found = sum(pool.map(work, range(12)))
            if os.fork() == 0:
                sys.exit(0)
            os.wait()
            threads = [threading.Thread(target=work, args=(100 + n,)) for n in range(8)]
            [t.start() for t in threads]; [t.join() for t in threads]
            return found
        """
    )
    numbers = sorted(int(message.split()[1]) for message in run.messages())
    assert numbers == [*range(12), *range(100, 108)]
    assert run.end["data"] == 66


def test_what_a_flow_forks_dies_of_sigterm_without_asking_python(nursery: Nursery) -> None:
    """Our handler is not inherited: what comes right before a sleep would wait for its end. One of the flow's own is."""
    run = nursery.run(
        """
        import signal
        def inherited():
            reading, writing = os.pipe()
            if os.fork() == 0:
                os.write(writing, signal.getsignal(signal.SIGTERM).name.encode())
                os.kill(os.getpid(), signal.SIGTERM)
                os._exit(0)
            return f"{os.read(reading, 100).decode()} {os.waitstatus_to_exitcode(os.wait()[1])}"
        @flow(persist_result=True)
        def main():
            ours = inherited()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            return f"{ours}, {inherited()}"
        """
    )
    assert run.end["data"] == f"SIG_DFL {-signal.SIGTERM}, SIG_IGN 0"


def test_only_simple_results_are_kept_and_only_when_asked_for(nursery: Nursery) -> None:
    """`persist_result` and plain JSON; anything else is null and no failure."""
    text = """
    @flow(persist_result=True)
    def kept(): return {"a": [1, "b", None]}
    @flow
    def left(): return {"a": 1}
    @flow(persist_result=True)
    def odd(): return {"a": object(), "b": float("nan")}
    @flow(persist_result=True)
    def looped():
        a = []; a.append(a); return a
    """
    data = {name: nursery.run(text, f"flows.py:{name}").end["data"] for name in ("kept", "left", "odd", "looped")}
    assert data == {"kept": {"a": [1, "b", None]}, "left": None, "odd": None, "looped": None}


def test_hooks_are_called_once_the_run_is_over_for_good(nursery: Nursery) -> None:
    """Failure hooks only when no try is left; plain and async ones; a failing hook changes nothing."""
    text = """
    async def slow(flow, flow_run, state): get_run_logger().info("async %s", state.name)
    def broken(flow, flow_run, state): raise RuntimeError("hook")
    @flow(retries=1, on_failure=[broken, slow], on_running=[slow])
    def main(): raise ValueError("no")
    """
    first = nursery.run(text, run_count=1)
    assert [m for m in first.messages() if m.startswith("async")] == ["async Running"]
    last = nursery.run(text, run_count=2)
    assert [m for m in last.messages() if m.startswith("async")] == ["async Running", "async Failed"]
    assert any("Hook 'broken' failed" in m for m in last.messages())
    assert last.end["message"] == "Flow run encountered an exception: ValueError: no"


def test_the_runtime_context_is_there(nursery: Nursery) -> None:
    """`flowhand.runtime` tells run, parameters, deployment and scheduled time, also in threads."""
    run = nursery.run(
        """
        from flowhand.runtime import deployment, flow_run
        @flow(persist_result=True)
        def main(x: int):
            found = []
            thread = threading.Thread(target=lambda: found.append(flow_run.id)); thread.start(); thread.join()
            return [flow_run.id, flow_run.name, flow_run.parameters, flow_run.tags, flow_run.flow_name, flow_run.run_count,
                    flow_run.scheduled_start_time.isoformat(), deployment.id, deployment.name, found[0]]
        """,
        parameters={"x": "4"},
        run_id="r1",
        name="swift-otter",
        tags=["a"],
        flow_name="main",
        run_count=2,
        scheduled_us=1_700_000_000_000_000,
        deployment_id="d1",
        deployment_name="nightly",
    )
    assert run.end["data"] == ["r1", "swift-otter", {"x": 4}, ["a"], "main", 2, "2023-11-14T22:13:20+00:00", "d1", "nightly", "r1"]


def test_environment_directory_and_time_zone_are_the_jobs(nursery: Nursery, tmp_path: Path) -> None:
    """Variables are set and removed, TZ takes effect, the working directory is the job's or the pull step's."""
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "flows.py").write_text(
        "import os, time\nfrom flowhand import flow\n@flow(persist_result=True)\n"
        "def main(): return [os.getcwd(), os.environ.get('A'), os.environ.get('HOME'), time.tzname[0]]\n"
    )
    step = {"prefect.deployments.steps.set_working_directory": {"directory": str(other)}}
    run = nursery.run(entrypoint="flows.py:main", pull_steps=[step], env={"A": "b", "HOME": None, "TZ": "Asia/Tokyo"})
    assert run.end["data"] == [str(other), "b", None, "JST"]
    unknown = nursery.run(entrypoint="flows.py:main", pull_steps=[{"acme.steps.fetch": {}}])
    assert "acme.steps.fetch" in unknown.end["message"]
    gone = nursery.run(entrypoint="flows.py:main", directory=str(tmp_path / "nowhere"))
    assert "nowhere cannot be entered" in gone.end["message"]


def test_leaving_waits_for_threads_and_runs_exit_functions(nursery: Nursery) -> None:
    """As an interpreter does: after the last word, threads that are not daemons end, pools are let go, atexit and buffers are flushed."""
    run = nursery.run(
        """
        import atexit
        from concurrent.futures import ThreadPoolExecutor
        pool = ThreadPoolExecutor(1)
        @flow
        def main():
            pool.submit(time.sleep, 0)
            sys.stdout.write("buffered")
            atexit.register(lambda: print(" exit"))
            threading.Thread(target=lambda: (time.sleep(0.2), print(" thread"))).start()
        """
    )
    assert run.end["type"] == "COMPLETED"
    assert run.stdout == "buffered thread\n exit\n"
    assert run.code == 0


def test_tasks_are_told_state_by_state_and_log_under_their_id(nursery: Nursery) -> None:
    """A `task` frame for each state, retries included; log frames of a task carry its id; only flows that use tasks start threads."""
    assert psutil.Process(nursery.process.pid).num_threads() == 1
    run = nursery.run(
        """
        from flowhand import task
        @task(retries=1, tags=["t"])
        def step(n):
            from flowhand.runtime import task_run
            get_run_logger().info("try %d", task_run.run_count)
            if task_run.run_count < 2: raise OSError("again")
            return n
        @flow
        def main():
            step.submit(1)
        """
    )
    frames = run.of("task")
    assert [(frame["type"], frame["state"]) for frame in frames] == [
        ("PENDING", "Pending"),
        ("RUNNING", "Running"),
        ("SCHEDULED", "AwaitingRetry"),
        ("RUNNING", "Retrying"),
        ("COMPLETED", "Completed"),
    ]
    assert {(frame["name"], frame["task_key"], frame["dynamic_key"], tuple(frame["tags"])) for frame in frames} == {
        ("step-0", "flows.step", "0", ("t",))
    }
    tries = [frame for frame in run.of("log") if frame["m"].startswith("try")]
    assert [(frame["n"], frame["task"]) for frame in tries] == [("flowhand.task_runs", frames[0]["id"])] * 2
    assert run.frames[-1]["k"] == "end"


def test_a_cancel_does_not_wait_for_tasks_that_have_not_begun(nursery: Nursery) -> None:
    """Those under way are given the grace, the others never run; the run is Cancelled."""
    nursery.write(
        """
        from flowhand import task
        @task
        def step(n):
            if n == 0: print("ready")
            time.sleep(0.5)
        @flow(log_prints=True)
        def main():
            step.map(range(400))
        """
    )
    with nursery.started() as run:
        run.wait_for("log", "ready")
        run.stop("cancel")
    assert run.end["type"] == "CANCELLED"
    assert len({frame["id"] for frame in run.of("task") if frame["state"] == "Running"}) < 400


def test_a_secret_is_known_to_the_keeper_before_the_flow_goes_on(nursery: Nursery) -> None:
    """The frame is sent, and its acknowledgement awaited."""
    run = nursery.run(
        """
        from flowhand.sdk.secrets import conceal
        @flow(log_prints=True)
        def main():
            conceal("hunter2")
            print("went on")
        """
    )
    assert [frame["k"] for frame in run.frames] == ["running", "secret", "log", "end"]
    assert run.of("secret")[0]["v"] == "hunter2"


def test_a_run_outlives_its_keepers_channel(nursery: Nursery) -> None:
    """When nobody listens any more, the flow runs on and its log goes to stderr."""
    nursery.write(
        """
        @flow(log_prints=True)
        def main():
            print("ready")
            sys.stdin.read()
            time.sleep(0.3)
            get_run_logger().warning("spoken aside")
            os.write(1, b"done\\n")
        """
    )
    with nursery.started() as run:
        run.wait_for("log", "ready")
        run.channel.shutdown(2)
    assert run.stdout == "done\n"
    assert "spoken aside" in run.stderr


def test_a_spawned_interpreter_runs_the_same_program(tmp_path: Path) -> None:
    """`python -m flowhand.child` with the job in a file and the channel at the named descriptor."""
    import socket

    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    (tmp_path / "flows.py").write_text("from flowhand import flow\n@flow\ndef main(x: int): print(x)\n")
    job = {**rehearsal.job("x", {"x": "1"}), "entrypoint": "flows.py:main", "directory": str(tmp_path)}
    (tmp_path / "job").write_text(json.dumps(job))
    fd = theirs.fileno()
    done = subprocess.run(
        [sys.executable, "-P", "-m", "flowhand.child"],
        env={"FLOWHAND__JOB": str(tmp_path / "job"), "FLOWHAND__CHANNEL_FD": str(fd), "PATH": ""},
        pass_fds=[fd],
        capture_output=True,
        text=True,
        timeout=60,
    )
    theirs.close()
    kinds = []
    while packet := ours.recv(1 << 17):
        kinds.append(json.loads(packet[1:])["k"])
    assert kinds == ["running", "end"]
    assert (done.returncode, done.stdout) == (0, "1\n")


def test_started_by_hand_the_child_says_what_it_is() -> None:
    """Without a job it ends with one line."""
    done = subprocess.run([sys.executable, "-m", "flowhand.child"], env={"PATH": ""}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "FLOWHAND__JOB" in done.stderr
