"""Runs in containers that were killed, on a real engine: what their end is called, and their hooks, called once in a fresh container."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest
from docker import DockerClient

from flowhand.deployments import DeploymentImage
from support.docker_engine import Engine
from support.server import RunningServer
from support.worker import Api, running_worker, wait_for

pytestmark = pytest.mark.timeout(300)  # the first to come waits for the engine

FLOWS = '''
import signal, subprocess, sys, time
from pathlib import Path
from flowhand import flow

TRACE = Path("/trace")

def hook(event):
    """Leaves a trace, and goes on when it may."""
    def called(flow, run, state):
        with open(TRACE / "called", "a") as file:
            file.write(f"{event} {state.type.value} {run.id}\\n")
        while (TRACE / "hold").exists():
            time.sleep(0.01)
        print(f"{event} ends")
    return called

@flow(log_prints=True, **{event: [hook(event)] for event in ("on_crashed", "on_cancellation")})
def doomed(greedy: bool = False, deaf: bool = False):
    """Runs until it is ended."""
    if deaf:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGALRM])
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(4711)"], start_new_session=True)
    (TRACE / "began").touch()
    if greedy:
        print(len(b"x" * (1 << 30)))  # not zeros, which some kernels give back
    time.sleep(100)
'''
IMAGE = "tests/doomed:1"
QUICK = {
    "FLOWHAND_WORKER_HEARTBEAT": "0.5",
    "FLOWHAND_WORKER_GRACE": "2",
    "FLOWHAND_WORKER_DRAIN": "2",
    "FLOWHAND_WORKER_HOOKS": "30",
}


@pytest.fixture(scope="module")
def client(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Generator[DockerClient]:
    """Of an engine that has the image with the flows."""
    folder = tmp_path_factory.mktemp("doomed")
    (folder / "flows.py").write_text(FLOWS)
    name, _, tag = IMAGE.partition(":")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("DOCKER_HOST", engine.host)
        patch.setenv("FLOWHAND_BASE_IMAGE", engine.base)
        DeploymentImage(name, tag, pull=False).build()
    with closing(engine.client()) as client:
        yield client


class Boxes:
    """A pool of containers at a server, and runs in it."""

    def __init__(self, server: RunningServer, client: DockerClient, engine: Engine, folder: Path) -> None:
        self.api = Api(server)
        self._server, self._client, self._folder = server, client, folder
        self.host = engine.host
        self.pool = folder.name
        kinds = self.api.call("GET", "/collections/views/aggregate-worker-metadata")
        template = kinds["prefect-docker"]["docker"]["default_base_job_configuration"]
        self.api.pool(self.pool, type="docker", base_job_template=template)

    def worker(self) -> Any:
        """A worker of the pool, as a context; the second one is of the same home."""
        environ = {**QUICK, "DOCKER_HOST": self.host}
        return running_worker(self._server, "--name", "w", home=self._folder / "home", pool=self.pool, environ=environ)

    def run(self, case: str, variables: dict[str, Any] | None = None, **parameters: Any) -> Boxed:
        """A new run."""
        trace = self._folder / case
        trace.mkdir()
        given = {"image": IMAGE, "network_mode": "none", "auto_remove": True, "volumes": [f"{trace}:/trace"], **(variables or {})}
        deployment = self.api.deploy("flows.py:doomed", Path(), self.pool, job_variables=given)
        return Boxed(self.api, self._client, trace, self.api.run(deployment, parameters=parameters))


class Boxed:
    """One run, and what its hooks leave behind."""

    def __init__(self, api: Api, client: DockerClient, trace: Path, run: str) -> None:
        self._api, self._client, self._trace, self.run = api, client, trace, run

    def began(self) -> Boxed:
        """Waits until it has."""
        wait_for((self._trace / "began").exists, 60, lambda: str(self._api.read(self.run)["state"]))
        return self

    def containers(self) -> list[Any]:
        """Its own and that of its hooks, as far as they are there."""
        found = self._client.containers.list(all=True, filters={"label": "io.flowhand.key"}, ignore_removed=True)
        return [one for one in found if one.labels["io.flowhand.key"].startswith(self.run)]

    def container(self) -> Any:
        """The one it is in."""
        (found,) = self.containers()
        return found

    def hold(self) -> None:
        """Its hooks do not end until they may."""
        (self._trace / "hold").touch()

    def held(self) -> None:
        """Waits until one is held."""
        wait_for((self._trace / "called").exists, 60, lambda: str(self._api.logs(self.run)))

    def release(self) -> None:
        """They may end."""
        (self._trace / "hold").unlink()

    def called(self) -> list[str]:
        """The hooks that were called."""
        found = self._trace / "called"
        return found.read_text().splitlines() if found.exists() else []

    def ends(self, state: str, words: str, *events: str) -> list[str]:
        """Waits for its end, in which these hooks were called; its log."""
        ended = self._api.ended(self.run)
        assert (ended["state_name"], words in ended["state"]["message"]) == (state, True), ended["state"]
        assert self.called() == [f"{event} {ended['state_type']} {self.run}" for event in events], self._api.logs(self.run)
        return self._api.logs(self.run)


@pytest.fixture
def boxes(server: RunningServer, client: DockerClient, engine: Engine, tmp_path: Path) -> Boxes:
    return Boxes(server, client, engine, tmp_path)


def test_whoever_ends_a_container_its_hooks_are_called(boxes: Boxes) -> None:
    """Out of memory, killed by hand, removed, deaf to a cancellation: each end is named, each hook called once in another container, and
    no process or container stays but the one that was to be kept."""
    limit = {"mem_limit": "120m", "memswap_limit": "120m"}
    with boxes.worker():
        greedy = boxes.run("greedy", variables=limit, greedy=True)
        killed, removed = boxes.run("killed", variables={"auto_remove": False}).began(), boxes.run("removed").began()
        deaf = boxes.run("deaf", deaf=True).began()
        killed.container().kill()
        removed.container().remove(force=True)
        boxes.api.cancel(deaf.run)
        said = killed.ends("Crashed", "The container was killed by SIGKILL, as by docker kill", "on_crashed")
        assert sum("on_crashed hooks in another process" in line for line in said) == 1
        assert said[-1] == "on_crashed ends"
        removed.ends("Crashed", "The container was removed while the run was in it.", "on_crashed")
        deaf.ends("Cancelled", "did not end by itself within the grace and was killed", "on_cancellation")
        greedy.ends("Crashed", "Out of memory: the kernel killed the container at its limit of 120 MiB.", "on_crashed")
    kept = killed.container()
    assert kept.status == "exited"
    kept.remove()
    assert [one.name for run in (greedy, removed, deaf) for one in run.containers()] == []
    assert [one.pid for one in psutil.process_iter(["cmdline"]) if "import time; time.sleep(4711)" in (one.info["cmdline"] or ())] == []


def test_hooks_that_no_container_can_be_made_for(boxes: Boxes, client: DockerClient) -> None:
    """The image has gone meanwhile, or the engine is away: that is said in the run's log, and its end is told all the same."""
    client.images.get(IMAGE).tag("tests/gone", "1")
    with tempfile.TemporaryDirectory() as folder:  # a socket's path is short
        away = Path(folder, "engine")
        away.symlink_to(boxes.host.removeprefix("unix://"))
        boxes.host = f"unix://{away}"
        with boxes.worker():
            gone = boxes.run("gone", variables={"image": "tests/gone:1", "image_pull_policy": "Never"}).began()
            client.images.remove("tests/gone:1", force=True)
            gone.container().kill()
            assert "could not be called. The container of image 'tests/gone:1' cannot be made" in gone.ends("Crashed", "SIGKILL")[-1]
            lost = boxes.run("lost").began()
            away.unlink()
            lost.container().kill()
            assert "could not be called. No container engine answers" in lost.ends("Crashed", "SIGKILL")[-1]
    lost.container().remove()


def test_a_killed_daemon_or_keeper_costs_no_hook_and_calls_none_twice(boxes: Boxes) -> None:
    """kill -9 of the daemon in a hook: the next one waits for that very container. Of the keeper: the hooks are cut off, with their
    container, and not called again."""
    with boxes.worker() as first:
        went_on = boxes.run("went-on").began()
        went_on.hold()
        went_on.container().kill()
        went_on.held()
        first.end(signal.SIGKILL)
        with boxes.worker() as second:
            went_on.release()
            said = went_on.ends("Crashed", "SIGKILL", "on_crashed")
            assert len([line for line in said if "hooks in another process" in line]) == said.count("on_crashed ends") == 1
            cut_off = boxes.run("cut-off").began()
            cut_off.hold()
            cut_off.container().kill()
            cut_off.held()
            second.keeper().kill()
            assert "cut off, since their keeper was killed" in cut_off.ends("Crashed", "SIGKILL", "on_crashed")[-1]
    assert went_on.containers() == cut_off.containers() == []


def test_a_drain_ends_hooks_with_their_container(boxes: Boxes) -> None:
    """A leaving worker stops them and tells the run's end."""
    with boxes.worker() as worker:
        drained = boxes.run("drained").began()
        drained.hold()
        drained.container().kill()
        drained.held()
        assert worker.end() == 0
    assert drained.ends("Crashed", "SIGKILL", "on_crashed")[-1] == "The hooks were stopped before they had ended: the worker leaves"
    assert drained.containers() == []
