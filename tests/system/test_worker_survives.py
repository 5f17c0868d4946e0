"""What kills what, and what goes on: daemon, keeper, child and server, ended in every way while runs run."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.server import RunningServer, running_server
from support.worker import Api, running_worker, wait_for, write_flows

FLOWS = '''
import os, time
from pathlib import Path

def crashed(flow, run, state):
    """A hook that leaves a trace."""
    (Path(run.parameters["folder"]) / "crashed").touch()

@flow(log_prints=True, on_crashed=[crashed])
def counts(folder: str, until: str = "go", lines: int = 1):
    """Writes a line each hundredth of a second until it may end."""
    (Path(folder) / "began").write_text(str(os.getpid()))
    number = 0
    while not (Path(folder) / until).exists():
        print(f"line {number}")
        number += 1
        time.sleep(0.01)
    (Path(folder) / "lines").write_text(str(number))

for folder in map(Path, filter(None, [os.environ.get("KILLS_WHEN_LOADED")])):
    with open(folder / "loaded", "a") as file:
        file.write("x")
    if (folder / "loaded").stat().st_size <= int(os.environ["KILLS"]):
        os.kill(os.getppid(), 9)
        time.sleep(60)

@flow
def mark(folder: str):
    """Leaves a trace of each execution."""
    with open(Path(folder) / "ran", "a") as file:
        file.write(os.environ["FLOWHAND__FLOW_RUN_ID"] + "\\n")
'''


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with short leases."""
    environ = {"FLOWHAND_SERVER_LEASE": "4"}
    with running_server(tmp_path_factory.mktemp("server"), environ=environ) as found:
        Api(found).pool("pool")
        yield found


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the flows."""
    return write_flows(tmp_path_factory.mktemp("code"), FLOWS)


QUICK = {"FLOWHAND_WORKER_HEARTBEAT": "0.5", "FLOWHAND_WORKER_MARGIN": "1", "FLOWHAND_WORKER_GRACE": "2", "FLOWHAND_WORKER_DRAIN": "20"}


def begin(api: Api, code: Path, folder: Path, policy: str = "crash") -> str:
    """A run of `counts` that is running and writing."""
    deployment = api.deploy("flows.py:counts", code)
    run = api.run(deployment, parameters={"folder": str(folder)}, job_variables={"crash_policy": policy})
    api.reaches(run, "Running")
    wait_for((folder / "began").exists, 10)
    return run


def whole(api: Api, run: str, folder: Path) -> None:
    """Every line of the run is in its log, once and in order."""
    wrote = int((folder / "lines").read_text())
    said = [line for line in api.logs(run) if line.startswith("line ")]
    assert said == [f"line {number}" for number in range(wrote)]


def test_a_killed_daemon_costs_no_run_and_no_line(api: Api, server: RunningServer, code: Path, tmp_path: Path) -> None:
    """kill -9 of the daemon: the run goes on, the next daemon adopts it, it ends Completed, and not one line is lost or doubled."""
    home, folder = tmp_path / "home", tmp_path / "run"
    folder.mkdir()
    with running_worker(server, "--name", "w", home=home, environ=QUICK) as first:
        run = begin(api, code, folder)
        pid = int((folder / "began").read_text())
        first.end(signal.SIGKILL)
        with running_worker(server, "--name", "w", home=home, environ=QUICK) as second:
            (folder / "go").touch()
            ended = api.ended(run)
            assert ended["state_name"] == "Completed", ended["state"]["message"]
            assert ended["run_count"] == 1
            assert int((folder / "began").read_text()) == pid
            assert "adopted" in second.log
            whole(api, run, folder)


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGHUP], ids=["SIGUSR1", "SIGHUP"])
def test_leaving_without_a_drain_hands_over(api: Api, server: RunningServer, code: Path, tmp_path: Path, number: signal.Signals) -> None:
    """SIGUSR1 leaves at once, SIGHUP starts anew in the same process; either way the run goes on."""
    home, folder = tmp_path / "home", tmp_path / "run"
    folder.mkdir()
    with running_worker(server, "--name", "w", home=home, environ=QUICK) as first:
        run = begin(api, code, folder)
        first.process.send_signal(number)
        if number == signal.SIGHUP:
            wait_for(lambda: first.log.count('"Claiming"') == 2, 30, lambda: first.log)
            (folder / "go").touch()
            assert api.ended(run)["state_name"] == "Completed"
        else:
            assert first.process.wait(10) == 0
            with running_worker(server, "--name", "w", home=home, environ=QUICK):
                (folder / "go").touch()
                assert api.ended(run)["state_name"] == "Completed"
        whole(api, run, folder)


def test_a_killed_keeper_takes_its_runs_along_and_says_so(api: Api, server: RunningServer, code: Path, tmp_path: Path) -> None:
    """kill -9 of the keeper: its children die, the run is Crashed in words, and the next run gets a new keeper."""
    folder, other = tmp_path / "run", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    with running_worker(server, home=tmp_path / "home", environ=QUICK) as worker:
        run = begin(api, code, folder)
        pid = int((folder / "began").read_text())
        worker.keeper().kill()
        ended = api.ended(run)
        assert ended["state_name"] == "Crashed", ended["state"]["message"]
        assert "keeper" in ended["state"]["message"]
        wait_for(lambda: not Path(f"/proc/{pid}").exists(), 10)
        (other / "go").touch()
        again = api.run(api.deploy("flows.py:counts", code), parameters={"folder": str(other)})
        after = api.ended(again)
        assert after["state_name"] == "Completed", after["state"]["message"]


def test_under_retry_a_run_whose_keeper_is_killed_is_begun_again(api: Api, server: RunningServer, code: Path, tmp_path: Path) -> None:
    """By the same worker and at once: nobody has to wait for the lease to end."""
    with running_worker(server, home=tmp_path / "home", environ=QUICK) as worker:
        run = begin(api, code, tmp_path, policy="retry")
        worker.keeper().kill()
        (tmp_path / "go").touch()
        ended = api.ended(run)
        assert ended["state_name"] == "Completed", ended["state"]["message"]
        states = [(state["name"], state["message"] or "") for state in api.call("GET", f"/flow_run_states/?flow_run_id={run}")]
        again = [message for name, message in states if name == "Scheduled" and "keeper" in message]
        assert again == [message for message in again if "begun again (interruption 1 of at most 3)" in message], states
        assert len(again) == 1, states


@pytest.mark.parametrize(("policy", "state"), [("crash", "Crashed"), ("retry", "Completed")])
def test_a_keeper_that_is_told_to_end_is_replaced_at_once(
    api: Api, server: RunningServer, code: Path, tmp_path: Path, policy: str, state: str
) -> None:
    """SIGTERM at the keeper ends its run, which is begun again under `retry`; either way the next process is another keeper's."""
    with running_worker(server, home=tmp_path / "home", environ=QUICK) as worker:
        run = begin(api, code, tmp_path, policy)
        first = int((tmp_path / "began").read_text())
        worker.keeper().terminate()
        if policy == "crash":
            assert api.ended(run)["state_name"] == "Crashed"
            later = begin(api, code, tmp_path)
        else:
            later = run
        wait_for(lambda: (tmp_path / "began").read_text() not in ("", str(first)), 10, lambda: str(api.read(run)["state"]))
        (tmp_path / "go").touch()
        assert api.ended(later)["state_name"] == "Completed", api.read(later)["state"]["message"]
        assert api.read(run)["state_name"] == state


@pytest.mark.parametrize(
    ("policy", "kills", "state"), [("crash", 1, "Completed"), ("retry", 1, "Completed"), ("crash", 9, "Crashed"), ("retry", 9, "Crashed")]
)
def test_a_run_whose_keeper_is_killed_while_it_is_loaded_is_begun_again_so_often(
    api: Api, server: RunningServer, code: Path, tmp_path: Path, policy: str, kills: int, state: str
) -> None:
    """Under either policy, for its function has not begun; one that kills its keeper whenever it is loaded is Crashed at last."""
    with running_worker(server, home=tmp_path / "home", environ=QUICK):
        env = {"KILLS_WHEN_LOADED": str(tmp_path), "KILLS": str(kills)}
        variables = {"crash_policy": policy, "max_interruptions": 2, "env": env}
        run = api.run(api.deploy("flows.py:mark", code), parameters={"folder": str(tmp_path)}, job_variables=variables)
        ended = api.ended(run)
        assert ended["state_name"] == state, ended["state"]["message"]
        assert (tmp_path / "loaded").stat().st_size == min(kills, 2) + 1
        if state == "Crashed":
            assert "for the 3rd time; it is not begun again" in ended["state"]["message"]


def test_under_retry_a_run_that_outlasts_the_drain_is_left_to_another_worker(
    api: Api, server: RunningServer, code: Path, tmp_path: Path
) -> None:
    """It is stopped, handed back before its worker leaves, and any other begins it again: a deploy costs no run."""
    with running_worker(server, home=tmp_path / "one", environ=QUICK) as worker:
        run = begin(api, code, tmp_path, policy="retry")
        for _ in range(2):  # the second time hastens the drain
            worker.process.send_signal(signal.SIGTERM)
            worker.says('"Draining"')
        assert worker.process.wait(15) == 0
        waiting = api.read(run)
        assert waiting["state_name"] == "Scheduled", waiting["state"]["message"]
        assert "the worker shut down; begun again" in waiting["state"]["message"]
        assert not (tmp_path / "crashed").exists(), "a run that goes on has not crashed"
    (tmp_path / "go").touch()
    with running_worker(server, home=tmp_path / "two", environ=QUICK):
        ended = api.ended(run)
        assert ended["state_name"] == "Completed", ended["state"]["message"]


def test_under_retry_a_run_that_somebody_else_has_told_to_end_is_begun_again(
    api: Api, server: RunningServer, code: Path, tmp_path: Path
) -> None:
    """As a host does that goes down: SIGTERM to every process. No hook hears of it."""
    with running_worker(server, home=tmp_path / "home", environ=QUICK):
        run = begin(api, code, tmp_path, policy="retry")
        pid = (tmp_path / "began").read_text()
        os.kill(int(pid), signal.SIGTERM)
        wait_for(lambda: (tmp_path / "began").read_text() not in ("", pid), 10, lambda: str(api.read(run)["state"]))
        (tmp_path / "go").touch()
        assert api.ended(run)["state_name"] == "Completed"
        assert not (tmp_path / "crashed").exists()


def test_a_killed_child_is_told_by_its_signal(api: Api, server: RunningServer, code: Path, tmp_path: Path) -> None:
    """kill -9 of the child from outside."""
    with running_worker(server, home=tmp_path / "home", environ=QUICK):
        run = begin(api, code, tmp_path)
        os.kill(int((tmp_path / "began").read_text()), signal.SIGKILL)
        ended = api.ended(run)
        assert ended["state_name"] == "Crashed"
        assert "SIGKILL" in ended["state"]["message"]


@pytest.mark.parametrize(("policy", "state"), [("crash", "Crashed"), ("retry", "Completed")])
def test_a_lost_worker_is_noticed_when_its_lease_ends(
    api: Api, server: RunningServer, code: Path, tmp_path: Path, policy: str, state: str
) -> None:
    """kill -9 of daemon and keeper: under `crash` the run is Crashed (for now) in time, under `retry` another worker runs it again."""
    run_folder = tmp_path / "run"
    run_folder.mkdir()
    with running_worker(server, home=tmp_path / "one", environ=QUICK) as worker:
        run = begin(api, code, run_folder, policy)
        worker.process.kill()
        worker.keeper().kill()
        worker.process.wait()
        (run_folder / "go").touch()
        with running_worker(server, home=tmp_path / "two", environ=QUICK):
            ended = api.reaches(run, state, within_s=4 + 5 + 10)
            assert ("Lost contact" in ended["state"]["message"]) == (policy == "crash")


def test_a_killed_server_loses_nothing(code: Path, tmp_path: Path) -> None:
    """kill -9 of the server while a run runs, and a new one on the same port: the run ends Completed, every line is there."""
    home, folder = tmp_path / "server", tmp_path / "run"
    folder.mkdir()
    with running_server(home) as first:
        port = first.url.rsplit(":", 1)[1].split("/")[0]
        api = Api(first)
        api.pool("pool")
        with running_worker(first, home=tmp_path / "worker", environ=QUICK) as worker:
            run = begin(api, code, folder)
            first.kill()
            worker.says("cannot be reached")
            (folder / "go").touch()
            wait_for((folder / "lines").exists, 10)
            with running_server(home, "--port", port) as second:
                again = Api(second)
                assert again.ended(run)["state_name"] == "Completed"
                whole(again, run, folder)


def test_sigterm_drains_and_leaves_nothing_behind(api: Api, server: RunningServer, code: Path, tmp_path: Path) -> None:
    """What runs may end; then the daemon leaves with 0, its keeper with it, and no file of the run is left."""
    folder = tmp_path / "run"
    folder.mkdir()
    with running_worker(server, home=tmp_path / "home", environ=QUICK) as worker:
        run = begin(api, code, folder)
        worker.process.send_signal(signal.SIGTERM)
        worker.says('"Draining"')
        assert worker.process.poll() is None
        (folder / "go").touch()
        assert worker.process.wait(20) == 0
        assert api.read(run)["state_name"] == "Completed"
        wait_for(lambda: worker.processes() == [], 10)
        assert list((tmp_path / "home" / "instances").glob("*/runs/*")) == []


def test_asked_twice_the_drain_is_short(api: Api, server: RunningServer, code: Path, tmp_path: Path) -> None:
    """A second SIGINT stops what runs: Crashed, and it says that the worker shut down."""
    folder = tmp_path / "run"
    folder.mkdir()
    with running_worker(server, home=tmp_path / "home", environ=QUICK) as worker:
        run = begin(api, code, folder)
        worker.process.send_signal(signal.SIGINT)
        worker.says('"Draining"')
        worker.process.send_signal(signal.SIGINT)
        assert worker.process.wait(15) == 0
        ended = api.read(run)
        assert ended["state_name"] == "Crashed", ended["state"]["message"]
        assert "shut down" in ended["state"]["message"]
        wait_for(lambda: worker.processes() == [], 10)


@pytest.mark.timeout(300)
def test_two_workers_share_five_hundred_runs_and_none_runs_twice(api: Api, server: RunningServer, code: Path, tmp_path: Path) -> None:
    """A multiset check of what ran, against what was asked for."""
    deployment = api.deploy("flows.py:mark", code)
    with (
        running_worker(server, home=tmp_path / "one", environ=QUICK) as one,
        running_worker(server, home=tmp_path / "two", environ=QUICK) as two,
    ):
        runs = [api.run(deployment, parameters={"folder": str(tmp_path)}) for _ in range(500)]
        for run in runs:
            ended = api.ended(run, 240)
            assert ended["state_name"] == "Completed", ended["state"]["message"]
        ran = Counter((tmp_path / "ran").read_text().split())
        assert ran == Counter(runs)
        assert min(one.log.count('"Started"'), two.log.count('"Started"')) > 50


def test_a_paused_pool_gives_nothing_and_says_so(api: Api, server: RunningServer, code: Path, tmp_path: Path) -> None:
    """The worker's log says why; resumed, the run runs."""
    api.pool("paused", is_paused=True)
    (tmp_path / "go").touch()
    with running_worker(server, home=tmp_path / "home", pool="paused", environ=QUICK) as worker:
        run = api.run(api.deploy("flows.py:counts", code, pool="paused"), parameters={"folder": str(tmp_path)})
        worker.says("paused")
        assert api.read(run)["state_type"] == "SCHEDULED"
        api.call("PATCH", "/work_pools/paused", {"is_paused": False})
        assert api.ended(run)["state_name"] == "Completed"


@pytest.mark.parametrize("where", ["worker", "pool", "deployment"])
def test_limits_hold(api: Api, server: RunningServer, code: Path, tmp_path: Path, where: str) -> None:
    """With a limit of two, never more than two of six runs are Running at once; all of them end."""
    pool = f"limited-{where}"
    api.pool(pool, **({"concurrency_limit": 2} if where == "pool" else {}))
    options = ["--limit", "2"] if where == "worker" else []
    fields = {"concurrency_limit": 2} if where == "deployment" else {}
    with running_worker(server, *options, home=tmp_path / "home", pool=pool, environ=QUICK) as worker:
        deployment = api.deploy("flows.py:counts", code, pool=pool, **fields)
        runs: list[str] = []
        for number in range(6):
            (tmp_path / str(number)).mkdir()
            runs.append(api.run(deployment, parameters={"folder": str(tmp_path / str(number))}))
        for _ in range(3):
            running = _begun(api, runs, 2)
            for run in running:
                (tmp_path / str(runs.index(run)) / "go").touch()
            for run in running:
                assert api.ended(run)["state_name"] == "Completed"
        assert worker.process.poll() is None


def _begun(api: Api, runs: list[str], count: int) -> list[str]:
    """The runs that are Running, once there are `count`; never more."""
    seen: list[str] = []

    def enough() -> bool:
        seen[:] = [run for run in runs if api.read(run)["state_type"] in ("RUNNING", "PENDING")]
        assert len(seen) <= count, f"{len(seen)} at once"
        return len([run for run in seen if api.read(run)["state_type"] == "RUNNING"]) == count

    wait_for(enough, 20)
    return list(seen)


def test_a_run_waits_with_a_reason(api: Api, code: Path) -> None:
    """Without a worker the watch says what is missing."""
    api.pool("lonely")
    run = api.run(api.deploy("flows.py:mark", code, pool="lonely"))
    reply = api.call("POST", "/runner/watch", {"flow_run_id": run})
    assert "no live worker" in reply["why"]
    assert "lonely" in reply["why"]
