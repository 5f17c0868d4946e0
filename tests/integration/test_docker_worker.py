"""A worker of a docker pool on a real engine: from `deploy` to a run's end, and what becomes of a run when its worker is killed."""

from __future__ import annotations

import io
import json
import os
import signal
from collections.abc import Generator
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from flowhand import deploy
from flowhand.deployments import Deployment, DeploymentImage
from flowhand.infrastructure import DockerContainer
from support.cli import environment, flowhand
from support.docker_engine import Engine
from support.server import RunningServer, running_server
from support.tcp_proxy import TcpProxy
from support.worker import Api, running_worker, wait_for

pytestmark = pytest.mark.timeout(300)  # the first to come waits for the engine

CODE = """
import os, time
from flowhand import flow, task

@task
def double(x: int) -> int:
    return 2 * x

@flow(log_prints=True)
def in_a_box(x: int = 1, wait: float = 0, fail: bool = False) -> int:
    print("x is", x, flush=True)
    os.write(1, b"before\\n")
    time.sleep(wait)
    os.write(1, b"after\\n")
    if fail:
        raise RuntimeError("as asked")
    return double(x)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("server")) as server:
        kinds = Api(server).call("GET", "/collections/views/aggregate-worker-metadata")
        Api(server).pool("boxes", type="docker", base_job_template=kinds["prefect-docker"]["docker"]["default_base_job_configuration"])
        yield server


@pytest.fixture(scope="module")
def deployment(server: RunningServer, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The id of a deployment of a flow that is in an image, to be executed without a network."""
    folder = tmp_path_factory.mktemp("boxes")
    (folder / "flows_in_a_box.py").write_text(CODE)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()):
        patch.chdir(folder)
        patch.syspath_prepend(folder)
        for name, value in {"DOCKER_HOST": engine.host, "FLOWHAND_BASE_IMAGE": engine.base, "FLOWHAND_API_URL": server.url}.items():
            patch.setenv(name, value)
        patch.setenv("FLOWHAND_HOME", str(server.home))
        flow = import_module("flows_in_a_box").in_a_box
        made = flow.to_deployment("d", job_variables={"network_mode": "none", "auto_remove": True, "env": {"GIVEN": "yes"}})
        return deploy(made, work_pool_name="boxes", image=DeploymentImage("tests/worked", "1", pull=False), push=False)[0]


def containers_of(client: Any, *runs: str, all: bool = True) -> list[Any]:  # noqa: A002 - the engine's own word
    """The containers of these runs; other tests have theirs at the same engine."""
    found = client.containers.list(all=all, filters={"label": "io.flowhand.key"}, ignore_removed=True)
    return [one for one in found if one.labels["io.flowhand.key"].partition(".")[0] in runs]


def lines(api: Api, run: str) -> list[str]:
    return [one["message"] for one in api.call("POST", "/logs/filter", {"logs": {"flow_run_id": {"any_": [run]}}})]


def test_runs_are_executed_in_containers(server: RunningServer, deployment: str, engine: Engine, tmp_path: Path) -> None:
    """States, logs, tasks and failures arrive, although the container has no network; a cancelled one ends, and no container stays."""
    api = Api(server)
    with running_worker(server, home=tmp_path / "worker", pool="boxes", environ={"DOCKER_HOST": engine.host}):
        good, bad, long = api.run(deployment, parameters={"x": 4}), api.run(deployment, parameters={"fail": True}), None
        ended = api.ended(good)
        assert (ended["state_name"], ended["run_count"]) == ("Completed", 1), lines(api, good)
        assert "x is 4" in lines(api, good)
        tasks = api.call("POST", "/task_runs/filter", {"flow_runs": {"id": {"any_": [good]}}})
        assert [(one["name"].partition("-")[0], one["state_name"]) for one in tasks] == [("double", "Completed")]
        failed = api.ended(bad)
        assert (failed["state_name"], "as asked" in failed["state"]["message"]) == ("Failed", True)
        long = api.run(deployment, parameters={"wait": 100})
        api.reaches(long, "Running")
        api.call("POST", f"/flow_runs/{long}/set_state", {"state": {"type": "CANCELLING"}})
        assert api.ended(long)["state_name"] == "Cancelled"
    client = engine.client()
    try:
        assert containers_of(client, good, bad, long) == []
    finally:
        client.close()


def test_a_run_goes_on_when_its_worker_is_killed(server: RunningServer, deployment: str, engine: Engine, tmp_path: Path) -> None:
    """The container stays with the keeper, and the next worker reports its end."""
    api = Api(server)
    home = tmp_path / "worker"
    with running_worker(server, home=home, pool="boxes", environ={"DOCKER_HOST": engine.host}) as worker:
        run = api.run(deployment, parameters={"wait": 3})
        api.reaches(run, "Running")
        worker.process.send_signal(signal.SIGKILL)
        worker.process.wait()
        with running_worker(server, home=home, pool="boxes", environ={"DOCKER_HOST": engine.host}):
            ended: dict[str, Any] = api.ended(run)
    assert (ended["state_name"], ended["run_count"]) == ("Completed", 1), lines(api, run)


@pytest.fixture
def away(engine: Engine) -> Generator[TcpProxy]:
    """The engine as it is reached by a way that can be cut, while it goes on."""
    with TcpProxy(Path(engine.host.removeprefix("unix://"))) as proxy:
        yield proxy


def test_a_run_goes_on_while_the_engine_is_away(server: RunningServer, deployment: str, away: TcpProxy, tmp_path: Path) -> None:
    """It ends meanwhile, and its worker is killed: the next one adopts it, and its end is told when the engine is back."""
    api = Api(server)
    home, environ = tmp_path / "worker", {"DOCKER_HOST": f"tcp://127.0.0.1:{away.port}"}
    with running_worker(server, home=home, pool="boxes", environ=environ) as worker:
        run = api.run(deployment, parameters={"x": 8, "wait": 4})
        wait_for(lambda: "before" in lines(api, run), 60)
        away.set("refused")
        worker.says("the engine is asked until it answers")
        worker.end(signal.SIGKILL)
        with running_worker(server, home=home, pool="boxes", environ=environ):
            found = flowhand("doctor", "-o", "json", env=environment(home, server.url, **environ)).json
            assert [(one["level"], "1 run(s)" in one["found"]) for one in found if one["what"] == "container engine"] == [("problem", True)]
            away.set("pass")
            ended = api.ended(run)
    said = lines(api, run)
    assert (ended["state_name"], ended["run_count"]) == ("Completed", 1), said
    assert (ended["state"]["message"], said.count("before"), said.count("after")) == ("All states completed.", 1, 1), said


def test_a_run_is_not_given_up_while_the_engine_is_away(
    server: RunningServer, deployment: str, engine: Engine, away: TcpProxy, tmp_path: Path
) -> None:
    """Worker and keeper killed, and the container goes on: the next worker waits for the engine, ends it, and only then tells the end."""
    api, client = Api(server), engine.client()
    home, environ = tmp_path / "worker", {"DOCKER_HOST": f"tcp://127.0.0.1:{away.port}"}
    with running_worker(server, home=home, pool="boxes", environ=environ) as worker:
        run = api.run(deployment, job_variables={"command": "sleep 300"})
        wait_for(lambda: bool(containers_of(client, run, all=False)), 60)
        keeper = worker.keeper()
        away.set("refused")
        worker.end(signal.SIGKILL)
        keeper.kill()
        keeper.wait()
        with running_worker(server, home=home, pool="boxes", environ=environ) as second:
            wait_for(lambda: second.log.count("Containers could not be looked for") >= 3, 60, lambda: second.log)
            assert api.read(run)["state_name"] == "Pending"
            assert len(containers_of(client, run, all=False)) == 1
            away.set("pass")
            ended = api.ended(run)
            assert containers_of(client, run, all=False) == []
    client.close()
    assert (ended["state_name"], "was killed while no worker was there" in ended["state"]["message"]) == ("Crashed", True)


def test_a_run_without_an_image_says_so(server: RunningServer, engine: Engine, tmp_path: Path) -> None:
    """Crashed, with what to give."""
    api = Api(server)
    (tmp_path / "flows.py").touch()
    bare = api.deploy("flows.py:nothing", tmp_path, pool="boxes")
    with running_worker(server, home=tmp_path / "worker", pool="boxes", environ={"DOCKER_HOST": engine.host}):
        ended = api.ended(api.run(bare))
    assert ended["state_name"] == "Crashed"
    assert "the run has no image: give the deployment's or the pool's job variable image" in ended["state"]["message"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_older_deployment_is_executed_as_its_block_says(
    server: RunningServer, deployment: str, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker of the agents' pool makes a container for the deployment with a DockerContainer block."""
    monkeypatch.setenv("FLOWHAND_API_URL", server.url)
    monkeypatch.setenv("FLOWHAND_HOME", str(server.home))
    image = Api(server).call("GET", f"/deployments/{deployment}")["job_variables"]["image"]
    block = DockerContainer(image=image, network_mode="none", auto_remove=True, env={"GIVEN": "by the block"})
    fields = {"flow_name": "in-a-box", "entrypoint": "flows_in_a_box.py:in_a_box", "parameters": {"x": 7}}
    older = Deployment(name="older", infrastructure=block, **fields).apply()
    api = Api(server)
    with running_worker(server, home=tmp_path / "worker", pool="default-agent-pool", environ={"DOCKER_HOST": engine.host}):
        run = api.ended(api.run(older))
    assert run["state_name"] == "Completed", (run["state"], lines(api, run["id"]))
    assert "x is 7" in lines(api, run["id"])


def test_a_container_that_nobody_stands_for_is_swept(server: RunningServer, deployment: str, engine: Engine, tmp_path: Path) -> None:
    """Worker, keeper and program killed, and a command of one's own that does not notice: `worker sweep` removes its container."""
    api = Api(server)
    home = tmp_path / "worker"
    client = engine.client()

    def running() -> list[Any]:
        return containers_of(client, run, all=False)

    with running_worker(server, home=home, pool="boxes", environ={"DOCKER_HOST": engine.host}) as worker:
        run = api.run(deployment, job_variables={"command": "sleep 300"})
        wait_for(lambda: bool(running()), 60)
        keeper = next(home.glob("instances/*/keeper.json"))
        for pid in (worker.process.pid, json.loads(keeper.read_bytes())["pid"]):
            os.kill(pid, signal.SIGKILL)
        worker.process.wait()
        environ = environment(home, server.url, DOCKER_HOST=engine.host)
        wait_for(lambda: flowhand("worker", "sweep", "--dry-run", "-o", "json", env=environ).json["containers"] != [], 60)
        assert len(running()) == 1
        assert len(flowhand("worker", "sweep", "-o", "json", env=environ).json["containers"]) == 1
        assert running() == []
    client.close()
