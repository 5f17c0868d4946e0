"""A real server, a real worker, real flows: the main job, and every plain way for a run to end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.server import RunningServer
from support.storage_servers import free_port
from support.worker import Api, RunningWorker, command_of, running_worker, wait_for

FLOWS = '''
import asyncio, ctypes, os, signal, subprocess, sys, threading, time
from pathlib import Path

@flow
def hello(name: str = "you", times: int = 1):
    """Says hello."""
    get_run_logger().info("hello %s", name)
    print("printed")
    print("on stderr", file=sys.stderr)
    subprocess.run(["echo", "from a subprocess"])
    ctypes.CDLL(None).puts(b"from C code")
    ctypes.CDLL(None).fflush(None)

@flow(log_prints=True)
async def later():
    await asyncio.sleep(0)
    print("async hello")

class Tools:
    @staticmethod
    @flow(name="static")
    def static():
        get_run_logger().warning("static hello")

@flow(log_prints=True)
def verbose(size: int):
    print("x" * size)

@flow
def fails():
    raise ValueError("no good")

@flow(timeout_seconds=0.3)
def slow():
    try:
        time.sleep(60)
    finally:
        print("finally ran", flush=True)

@flow(timeout_seconds=0.3)
def deaf_to_time():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM, signal.SIGTERM})
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass

@flow
def exits(code: int = 7):
    print("the last line", flush=True)
    os._exit(code)

@flow
def killed():
    os.kill(os.getpid(), signal.SIGKILL)

@flow
def ended_by_hand():
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)

@flow(timeout_seconds=60)
def lingers(fail: bool):
    threading.Thread(target=time.sleep, args=(60,)).start()
    if fail:
        raise ValueError("no good")

@flow(retries=2, retry_delay_seconds=0.1)
def third_time(folder: str):
    count = len(list(Path(folder).iterdir()))
    (Path(folder) / str(count)).touch()
    if count < 2:
        raise ValueError(f"try {count}")

@flow
def sleeps(folder: str, seconds: float = 60.0):
    (Path(folder) / "began").touch()
    try:
        time.sleep(seconds)
    finally:
        (Path(folder) / "finally").touch()

@flow
def deaf(folder: str):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 61"], start_new_session=True)
    (Path(folder) / "began").touch()
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass
'''


@pytest.fixture(scope="module")
def api(server: RunningServer) -> Api:
    """The server's, with one pool for the module."""
    found = Api(server)
    found.pool("pool")
    return found


@pytest.fixture(scope="module")
def worker(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWorker]:
    """One worker for the module, with a short grace."""
    home = tmp_path_factory.mktemp("worker")
    with running_worker(api.server, "--limit", "8", home=home, environ={"FLOWHAND_WORKER_GRACE": "1"}) as running:
        yield running


def run(api: Api, folder: Path, entrypoint: str, /, **parameters: object) -> dict[str, object]:
    """One run of a flow, to its end."""
    deployment = api.deploy(f"flows.py:{entrypoint}", folder)
    return api.ended(api.run(deployment, parameters=parameters))


def test_a_flow_completes_and_all_it_wrote_is_in_its_log(api: Api, code: Path, worker: RunningWorker) -> None:
    """Loggers, print, stderr, subprocesses and C code; parameters are coerced by type."""
    ended = run(api, code, "hello", name="world", times="3")
    assert ended["state_name"] == "Completed", ended["state"]
    lines = api.logs(str(ended["id"]))
    assert {"hello world", "printed", "on stderr", "from a subprocess", "from C code"} <= set(lines)
    assert ended["run_count"] == 1
    assert str(ended["infrastructure_pid"]).isdigit()


def test_a_line_beyond_all_measure_is_logged_and_holds_nobody_back(api: Api, code: Path, worker: RunningWorker) -> None:
    """Ten megabytes in one print: all of it is in the log, and the runs beside it are reported as ever."""
    flood = api.run(api.deploy("flows.py:verbose", code), parameters={"size": 10_000_000})
    assert run(api, code, "hello")["state_name"] == "Completed"
    assert api.ended(flood)["state_name"] == "Completed"
    assert sum(map(len, api.logs(flood))) == 10_000_000


@pytest.mark.parametrize(("entrypoint", "line"), [("later", "async hello"), ("Tools.static", "static hello")])
def test_async_flows_and_static_methods_run(api: Api, code: Path, worker: RunningWorker, entrypoint: str, line: str) -> None:
    """Whatever kind of function the flow is."""
    ended = run(api, code, entrypoint)
    assert ended["state_name"] == "Completed", ended["state"]
    assert line in api.logs(str(ended["id"]))


@pytest.mark.parametrize(
    ("entrypoint", "parameters", "state", "words"),
    [
        ("fails", {}, "Failed", "ValueError: no good"),
        ("slow", {}, "TimedOut", "0.3 second(s)"),
        ("deaf_to_time", {}, "TimedOut", "stopped from outside"),
        ("exits", {"code": 7}, "Crashed", "status code 7"),
        ("exits", {"code": 0}, "Crashed", "without a result"),
        ("killed", {}, "Crashed", "SIGKILL"),
        ("ended_by_hand", {}, "Crashed", "told to end by SIGTERM, but not by its worker"),
        ("helo", {}, "Failed", "hello"),
        ("hello", {"times": "many"}, "Failed", "times"),
        ("hello", {"nobody": 1}, "Failed", "nobody"),
    ],
)
def test_each_bad_end_says_why(
    api: Api, code: Path, worker: RunningWorker, entrypoint: str, parameters: dict[str, object], state: str, words: str
) -> None:
    """The state's name and a message a person understands; the worker goes on."""
    ended = run(api, code, entrypoint, **parameters)
    assert (ended["state_name"], words in str(ended["state"]["message"])) == (state, True), ended["state"]  # type: ignore[index]
    assert worker.process.poll() is None


@pytest.mark.parametrize(("fail", "state", "words"), [(False, "Completed", "did not leave by itself"), (True, "Failed", "no good")])
def test_a_thread_that_does_not_end_holds_no_run(api: Api, code: Path, worker: RunningWorker, fail: bool, state: str, words: str) -> None:
    """The flow has returned or failed, and a thread of it goes on: after the grace its process is killed, and its end is what it was."""
    ended = run(api, code, "lingers", fail=fail)
    assert (ended["state_name"], words in str(ended["state"]["message"])) == (state, True), ended["state"]  # type: ignore[index]
    assert "has not left 1 s after its last word" in api.logs(str(ended["id"]))[-1]


def test_a_crash_tells_the_last_lines(api: Api, code: Path, worker: RunningWorker) -> None:
    """What the process wrote before it left is in the state's message."""
    ended = run(api, code, "exits", code=3)
    assert "the last line" in str(ended["state"]["message"])  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import nowhere_at_all\n@flow\ndef broken(): pass\n", "nowhere_at_all"),
        ("@flow\ndef broken(:\n", "line 4"),
        ("raise RuntimeError('at import')\n", "at import"),
    ],
    ids=["missing module", "syntax error", "error at import"],
)
def test_a_file_that_does_not_load_fails_the_run_alone(api: Api, worker: RunningWorker, tmp_path: Path, text: str, words: str) -> None:
    """The message names what is wrong; the worker goes on."""
    (tmp_path / "flows.py").write_text("from flowhand import flow\n\n" + text)
    ended = run(api, tmp_path, "broken")
    assert (ended["state_name"], words in str(ended["state"]["message"])) == ("Failed", True), ended["state"]  # type: ignore[index]


def test_a_missing_file_or_folder_fails_the_run_alone(api: Api, worker: RunningWorker, tmp_path: Path) -> None:
    """Likewise."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        ended = run(api, folder, "hello")
        assert ended["state_type"] in ("FAILED", "CRASHED"), ended["state"]
        assert str(folder.name) in str(ended["state"]["message"]), ended["state"]  # type: ignore[index]


def test_a_failing_flow_is_tried_again(api: Api, code: Path, worker: RunningWorker, tmp_path: Path) -> None:
    """retries=2: the third attempt completes, in the contract's own states, with the attempts counted."""
    ended = run(api, code, "third_time", folder=str(tmp_path))
    assert ended["state_name"] == "Completed", ended["state"]
    assert ended["run_count"] == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "2"]
    assert api.states(str(ended["id"])).count("AwaitingRetry") == 2


def test_cancelling_runs_the_finally_and_ends_cancelled(api: Api, code: Path, worker: RunningWorker, tmp_path: Path) -> None:
    """SIGTERM reaches the flow as an exception; the state is Cancelled."""
    run_id = api.run(api.deploy("flows.py:sleeps", code), parameters={"folder": str(tmp_path)})
    api.reaches(run_id, "Running")
    api.cancel(run_id)
    ended = api.ended(run_id)
    assert ended["state_name"] == "Cancelled", ended["state"]
    assert (tmp_path / "finally").exists()


def test_a_deaf_tree_does_not_survive_a_cancel(api: Api, code: Path, worker: RunningWorker, tmp_path: Path) -> None:
    """Ignored SIGTERM, own session: after the grace all of it is killed."""
    run_id = api.run(api.deploy("flows.py:deaf", code), parameters={"folder": str(tmp_path)})
    api.reaches(run_id, "Running")
    api.cancel(run_id)
    ended = api.ended(run_id)
    assert ended["state_name"] == "Cancelled", ended["state"]
    assert "killed" in ended["state"]["message"]
    assert [process.pid for process in worker.processes() if "sleep" in " ".join(command_of(process))] == []


def test_a_cancel_before_the_start_never_runs_the_flow(api: Api, code: Path, worker: RunningWorker, tmp_path: Path) -> None:
    """A run scheduled for later is cancelled on the server alone."""
    run_id = api.run(
        api.deploy("flows.py:sleeps", code),
        parameters={"folder": str(tmp_path)},
        state={"type": "SCHEDULED", "state_details": {"scheduled_time": "2999-01-01T00:00:00Z"}},
    )
    api.cancel(run_id)
    assert api.ended(run_id)["state_name"] == "Cancelled"
    assert list(tmp_path.iterdir()) == []


def test_its_health_is_told_where_it_was_asked_for(server: RunningServer, tmp_path: Path) -> None:
    """Alive, ready and with figures at the address of the settings; a second worker there says that the port is taken, and works."""
    Api(server).pool("probed")
    place = {"FLOWHAND_WORKER_WEBSERVER_HOST": "127.0.0.2", "FLOWHAND_WORKER_WEBSERVER_PORT": str(free_port())}
    url = f"http://127.0.0.2:{place['FLOWHAND_WORKER_WEBSERVER_PORT']}"
    with running_worker(server, "--with-healthcheck", home=tmp_path / "one", pool="probed", environ=place) as one:
        one.says("Health and metrics")
        assert httpx.get(f"{url}/livez").status_code == 200
        wait_for(lambda: httpx.get(f"{url}/readyz").status_code == 200, 10.0, lambda: "not ready")
        assert "flowhand_slots_free" in httpx.get(f"{url}/metrics").text
        with running_worker(server, "--with-healthcheck", home=tmp_path / "two", pool="probed", environ=place) as other:
            other.says("The health endpoints cannot be served")
