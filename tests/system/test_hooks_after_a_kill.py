"""Hooks of runs whose process was killed: another process calls them, exactly once, whatever else is killed on the way."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from support.server import RunningServer, running_server
from support.tcp_proxy import TcpProxy
from support.worker import Api, RunningWorker, running_worker, wait_for, write_flows

FLOWS = '''
import os, signal, time
from pathlib import Path
from flowhand.events import emit_event

def hook(event):
    """A hook that leaves a trace, says a word, and goes on when it may."""
    def called(flow, run, state):
        folder = Path(run.parameters["folder"])
        print(f"{event} of {run.name} begins")
        with open(folder / "called", "a") as file:
            file.write(f"{event} {state.type.value} {run.id} {os.getpid()}\\n")
        emit_event("hook.called", {"prefect.resource.id": f"hook.{run.id}"})
        while (folder / "hold").exists():
            time.sleep(0.01)
        print(f"{event} ends")
    return called

EVENTS = {event: [hook(event)] for event in ("on_completion", "on_failure", "on_crashed", "on_cancellation")}

@flow(log_prints=True, **EVENTS)
def waits(folder: str, deaf: bool = False):
    """Runs until it is ended."""
    if deaf:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGALRM])
    Path(folder, "began").write_text(str(os.getpid()))
    while True:
        time.sleep(0.01)

late = waits.with_options(name="late", timeout_seconds=0.3)
tries = waits.with_options(name="tries", timeout_seconds=0.3, retries=1)

@flow(log_prints=True, on_crashed=[hook("on_crashed")])
def chatters(folder: str):
    """Says a line each hundredth of a second, until it is killed."""
    Path(folder, "began").write_text(str(os.getpid()))
    for number in range(10_000):
        print(f"line {number}")
        with open(Path(folder, "said"), "a") as file:
            file.write(".")
        time.sleep(0.01)

@flow
def plain(folder: str):
    """Has no hooks."""
    Path(folder, "began").write_text(str(os.getpid()))
    time.sleep(60)
'''
QUICK = {
    "FLOWHAND_WORKER_HEARTBEAT": "0.5",
    "FLOWHAND_WORKER_MARGIN": "1",
    "FLOWHAND_WORKER_GRACE": "1",
    "FLOWHAND_WORKER_DRAIN": "20",
    "FLOWHAND_WORKER_HOOKS": "6",  # in which their process is also made, on a busy machine
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with a pool."""
    with running_server(tmp_path_factory.mktemp("server")) as found:
        Api(found).pool("pool")
        yield found


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the flows."""
    return write_flows(tmp_path_factory.mktemp("code"), FLOWS)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The worker's."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def worker(server: RunningServer, home: Path) -> Iterator[RunningWorker]:
    """A worker with short times."""
    with running_worker(server, "--name", "w", home=home, environ=QUICK) as found:
        yield found


class Doomed:
    """A run that has begun, and what its hooks leave behind."""

    def __init__(
        self,
        api: Api,
        code: Path,
        folder: Path,
        name: str = "waits",
        pool: str = "pool",
        policy: str = "crash",
        at_most: int = 3,
        **parameters: object,
    ) -> None:
        self._api = api
        self.folder = folder
        deployment = api.deploy(f"flows.py:{name}", code, pool)
        variables = {"crash_policy": policy, "max_interruptions": at_most}
        self.run = api.run(deployment, parameters={"folder": str(folder), **parameters}, job_variables=variables)
        api.reaches(self.run, "Running")
        wait_for((folder / "began").exists, 10)
        self.pid = int((folder / "began").read_text())

    def hold(self) -> None:
        """Its hooks do not end until they may."""
        (self.folder / "hold").touch()

    def held(self) -> int:
        """The pid of the process whose hook is held."""
        wait_for(lambda: bool(self.called()), 15)
        return int(self.called()[-1].split()[-1])

    def release(self) -> None:
        """They may end."""
        (self.folder / "hold").unlink()

    def called(self) -> list[str]:
        """The hooks that were called."""
        found = self.folder / "called"
        return found.read_text().splitlines() if found.exists() else []

    def ends(self, state: str, event: str) -> list[str]:
        """Waits for its end, in which one hook was called once; its log."""
        ended = self._api.ended(self.run)
        assert ended["state_name"] == state, ended["state"]["message"]
        assert [line.split()[:3] for line in self.called()] == [[event, ended["state_type"], self.run]]
        return self._api.logs(self.run)


def test_a_killed_process_has_its_crash_hooks_called(api: Api, worker: RunningWorker, code: Path, tmp_path: Path) -> None:
    """kill -9 of the run's process: on_crashed is called once, in another process; what it prints is in the run's log, and what it
    emits is an event."""
    doomed = Doomed(api, code, tmp_path)
    os.kill(doomed.pid, signal.SIGKILL)
    said = doomed.ends("Crashed", "on_crashed")
    assert doomed.held() not in (doomed.pid, worker.process.pid, worker.keeper().pid)
    assert sum("on_crashed hooks in another process" in line for line in said) == 1
    assert said[-2:] == [f"on_crashed of {api.read(doomed.run)['name']} begins", "on_crashed ends"]
    wanted = {"event": {"name": ["hook.called"]}, "resource": {"id": [f"hook.{doomed.run}"]}}
    assert api.call("POST", "/events/filter", {"filter": wanted})["total"] == 1


def test_a_cancellation_that_had_to_kill_has_its_hooks_called(api: Api, worker: RunningWorker, code: Path, tmp_path: Path) -> None:
    """A flow that does not hear SIGTERM is killed after the grace: on_cancellation is called once, afterwards."""
    doomed = Doomed(api, code, tmp_path, deaf=True)
    api.cancel(doomed.run)
    doomed.ends("Cancelled", "on_cancellation")
    assert doomed.held() != doomed.pid


def test_a_cancellation_that_is_heard_calls_its_hooks_itself(api: Api, worker: RunningWorker, code: Path, tmp_path: Path) -> None:
    """A flow that ends by itself calls its own hooks, even when it is killed in the middle of them: nobody calls them again."""
    doomed = Doomed(api, code, tmp_path)
    doomed.hold()
    api.cancel(doomed.run)
    assert doomed.held() == doomed.pid
    said = doomed.ends("Cancelled", "on_cancellation")
    assert not any("another process" in line for line in said)


@pytest.mark.parametrize(("name", "times"), [("late", 1), ("tries", 2)])
def test_a_time_out_from_outside_has_its_failure_hooks_called(
    api: Api, worker: RunningWorker, code: Path, tmp_path: Path, name: str, times: int
) -> None:
    """A flow that is deaf to its time-out is killed: on_failure is called when no try is left, and not before."""
    doomed = Doomed(api, code, tmp_path, name, deaf=True)
    doomed.ends("TimedOut", "on_failure")
    assert api.read(doomed.run)["run_count"] == times


def test_no_process_is_made_for_hooks_that_are_not_there(api: Api, worker: RunningWorker, code: Path, tmp_path: Path) -> None:
    """A flow without hooks that is killed is just Crashed."""
    doomed = Doomed(api, code, tmp_path, "plain")
    os.kill(doomed.pid, signal.SIGKILL)
    assert api.ended(doomed.run)["state_name"] == "Crashed"
    assert not any("hooks" in line for line in api.logs(doomed.run))


def test_a_killed_keeper_costs_no_hook(api: Api, worker: RunningWorker, code: Path, tmp_path: Path) -> None:
    """kill -9 of the keeper takes its runs with it: the next keeper calls their hooks."""
    doomed = Doomed(api, code, tmp_path)
    worker.keeper().kill()
    doomed.ends("Crashed", "on_crashed")


def test_hooks_that_do_not_end_are_killed(api: Api, worker: RunningWorker, code: Path, tmp_path: Path) -> None:
    """After FLOWHAND_WORKER_HOOKS seconds they are killed, and the log says so."""
    doomed = Doomed(api, code, tmp_path)
    doomed.hold()
    os.kill(doomed.pid, signal.SIGKILL)
    assert doomed.ends("Crashed", "on_crashed")[-1] == "The hooks were killed: they had not ended after 6 s"


def test_a_daemon_killed_while_hooks_run_costs_none(api: Api, server: RunningServer, code: Path, tmp_path: Path) -> None:
    """kill -9 of the daemon in the middle of a hook: the next daemon waits for that very process, and each line is in the log once."""
    home = tmp_path / "home"
    api.pool("own")
    with running_worker(server, "--name", "w", home=home, pool="own", environ=QUICK) as first:
        doomed = Doomed(api, code, tmp_path, pool="own")
        doomed.hold()
        os.kill(doomed.pid, signal.SIGKILL)
        doomed.held()
        first.end(signal.SIGKILL)
        with running_worker(server, "--name", "w", home=home, pool="own", environ=QUICK):
            doomed.release()
            said = doomed.ends("Crashed", "on_crashed")
    assert len([line for line in said if "hooks in another process" in line]) == 1
    assert said.count("on_crashed ends") == 1


def test_a_keeper_killed_while_hooks_run_does_not_begin_them_again(api: Api, worker: RunningWorker, code: Path, tmp_path: Path) -> None:
    """They were begun once; that they were cut off is said."""
    doomed = Doomed(api, code, tmp_path)
    doomed.hold()
    os.kill(doomed.pid, signal.SIGKILL)
    doomed.held()
    worker.keeper().kill()
    assert "cut off" in doomed.ends("Crashed", "on_crashed")[-1]


@pytest.mark.parametrize("policy", ["crash", "retry"])
def test_a_run_whose_keeper_is_killed_while_it_is_cancelled_is_cancelled(
    api: Api, worker: RunningWorker, code: Path, tmp_path: Path, policy: str
) -> None:
    """Under either policy: on_cancellation is called once, and nothing is begun again."""
    doomed = Doomed(api, code, tmp_path, policy=policy, deaf=True)
    said = worker.log.count('"Cancelling"')
    api.cancel(doomed.run)
    wait_for(lambda: worker.log.count('"Cancelling"') > said, 10)
    worker.keeper().kill()
    doomed.ends("Cancelled", "on_cancellation")
    assert int((tmp_path / "began").read_text()) == doomed.pid


@pytest.mark.parametrize("told", [True, False])
def test_hooks_of_the_last_interruption_are_called(api: Api, worker: RunningWorker, code: Path, tmp_path: Path, told: bool) -> None:
    """Under `retry`, with no interruption left: the run is Crashed and on_crashed is called once, whether its process could or not."""
    doomed = Doomed(api, code, tmp_path, policy="retry", at_most=0)
    if not told:
        worker.keeper().kill()
    else:
        os.kill(doomed.pid, signal.SIGTERM)
    doomed.ends("Crashed", "on_crashed")
    assert "it is not begun again (max_interruptions is 0)" in api.read(doomed.run)["state"]["message"]


def test_a_cancelled_run_is_cancelled_also_by_a_drain(api: Api, server: RunningServer, code: Path, tmp_path: Path) -> None:
    """A drain begins while a deaf flow is cancelled, and the keeper is killed, so that nobody saw the exit: Cancelled all the same."""
    api.pool("cancelled")
    environ = QUICK | {"FLOWHAND_WORKER_DRAIN": "4", "FLOWHAND_WORKER_GRACE": "4"}
    with running_worker(server, "--name", "w", home=tmp_path / "home", pool="cancelled", environ=environ) as worker:
        doomed = Doomed(api, code, tmp_path, pool="cancelled", deaf=True)
        api.cancel(doomed.run)
        worker.says('"Cancelling"')
        worker.process.send_signal(signal.SIGTERM)
        worker.says("Stopping runs that did not end in time")
        worker.keeper().kill()
        doomed.ends("Cancelled", "on_cancellation")


def test_a_drain_tells_how_a_run_ended_whose_hooks_do_not(api: Api, server: RunningServer, code: Path, tmp_path: Path) -> None:
    """A flow that is deaf to SIGTERM, and a hook that does not end: within the drain's time and two graces the run is Crashed for
    good."""
    api.pool("drained")
    environ = QUICK | {"FLOWHAND_WORKER_DRAIN": "2", "FLOWHAND_WORKER_HOOKS": "60"}
    with running_worker(server, "--name", "w", home=tmp_path / "home", pool="drained", environ=environ) as worker:
        doomed = Doomed(api, code, tmp_path, pool="drained", deaf=True)
        doomed.hold()
        asked = time.monotonic()
        assert worker.end() == 0
        assert time.monotonic() - asked < 2 + 2 * 1 + 1, "and what it takes to leave"
        assert api.read(doomed.run)["state_name"] == "Crashed"
        assert doomed.ends("Crashed", "on_crashed")[-1] == "The hooks were stopped before they had ended: the worker leaves"


def test_hooks_of_a_run_that_was_reopened_are_ended(api: Api, worker: RunningWorker, home: Path, code: Path, tmp_path: Path) -> None:
    """The next heartbeat hears of it: the process is killed in its hook, before its time is over, and nothing of it is left."""
    doomed = Doomed(api, code, tmp_path)
    doomed.hold()
    os.kill(doomed.pid, signal.SIGKILL)
    doomed.held()
    later = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2100-01-01T00:00:00Z"}}
    api.call("POST", f"/flow_runs/{doomed.run}/set_state", {"state": later, "force": True})
    wait_for(lambda: not list(home.glob(f"instances/*/runs/{doomed.run}*")), 10)
    assert not any("had not ended after" in line for line in api.logs(doomed.run))
    assert api.read(doomed.run)["state_name"] == "Scheduled"


def test_a_fence_ends_hooks_within_the_lease(code: Path, tmp_path: Path) -> None:
    """Under `retry` the API is cut off while a hook sleeps: its process is killed before the lease is over, the run is begun again, the
    hooks of the first attempt are not called a second time, and nothing of them is left."""
    home, lease_s = tmp_path / "home", 3.0
    with running_server(tmp_path / "server", environ={"FLOWHAND_SERVER_LEASE": str(lease_s)}) as server, proxied(server) as (proxy, near):
        api = Api(server)
        api.pool("pool")
        with running_worker(near, "--name", "w", home=home, environ=QUICK | {"FLOWHAND_WORKER_HOOKS": "60"}):
            doomed = Doomed(api, code, tmp_path, policy="retry")
            doomed.hold()
            os.kill(doomed.pid, signal.SIGKILL)
            late = doomed.held()
            proxy.set("refused")
            wait_for(lambda: not psutil.pid_exists(late), lease_s)
            api.reaches(doomed.run, "Scheduled")
            proxy.set("pass")
            doomed.release()
            wait_for(lambda: (doomed.folder / "began").read_text() not in ("", str(doomed.pid)), 15)
            api.cancel(doomed.run)
            assert api.ended(doomed.run)["state_name"] == "Cancelled"
            again = int((doomed.folder / "began").read_text())
            assert [line.split()[::3] for line in doomed.called()] == [["on_crashed", str(late)], ["on_cancellation", str(again)]]
            wait_for(lambda: not list(home.glob("instances/*/runs/*")), 10, lambda: str(list(home.glob("instances/*/runs/*"))))


def test_hooks_do_not_wait_for_an_api_that_is_away(api: Api, server: RunningServer, code: Path, tmp_path: Path) -> None:
    """A flow that talks is killed while nothing that it says can be told: its hooks are called at once, and when the API is back, all that
    it and they said and sent is there once."""
    api.pool("cut-off")
    with proxied(server) as (proxy, near), running_worker(near, home=tmp_path / "home", pool="cut-off", environ=QUICK) as worker:
        doomed = Doomed(api, code, tmp_path, "chatters", pool="cut-off")
        proxy.set("refused")
        worker.says("The API cannot be reached")
        os.kill(doomed.pid, signal.SIGKILL)
        assert doomed.held() != doomed.pid
        assert api.read(doomed.run)["state_name"] == "Running"
        proxy.set("pass")
        said = doomed.ends("Crashed", "on_crashed")
    lines = [line for line in said if line.startswith("line ")]
    assert lines == [f"line {number}" for number in range(len(lines))]
    assert len(lines) - (tmp_path / "said").stat().st_size in (0, 1)
    assert said.count("on_crashed ends") == 1
    wanted = {"event": {"name": ["hook.called"]}, "resource": {"id": [f"hook.{doomed.run}"]}}
    assert api.call("POST", "/events/filter", {"filter": wanted})["total"] == 1


@contextmanager
def proxied(server: RunningServer) -> Generator[tuple[TcpProxy, RunningServer]]:
    """A proxy before a server, and the server as it is seen through it."""
    port = server.url.split(":")[2].split("/")[0]
    with TcpProxy(int(port)) as proxy:
        yield proxy, replace(server, url=server.url.replace(port, str(proxy.port)))


def test_nothing_of_hooks_is_left(api: Api, worker: RunningWorker, home: Path, code: Path, tmp_path: Path) -> None:
    """Their files go with the run's."""
    doomed = Doomed(api, code, tmp_path)
    os.kill(doomed.pid, signal.SIGKILL)
    doomed.ends("Crashed", "on_crashed")
    wait_for(lambda: not list(home.glob("instances/*/runs/*")), 10, lambda: str(list(home.glob("instances/*/runs/*"))))
