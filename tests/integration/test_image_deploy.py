"""deploy() with an image: built, pushed and applied, and a run that is executed in a container of it."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Generator
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest

from flowhand import deploy
from flowhand.client.identity import flowhand_version
from flowhand.deployments import DeploymentImage, RunnerDeployment
from flowhand.deployments.images.wheel import wheel
from flowhand.errors import ImageBuildError, PushError
from support.cli import environment
from support.docker_engine import Engine
from support.server import RunningServer, running_server
from support.worker import Api

CODE = """
from flowhand import flow

@flow(log_prints=True)
def adding(x: int = 1) -> int:
    print("x is", x)
    return x + 1

@flow
def other() -> None:
    pass
"""

pytestmark = pytest.mark.timeout(300)  # the first to come waits for the engine


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("server")) as server:
        kinds = Api(server).call("GET", "/collections/views/aggregate-worker-metadata")
        template = kinds["prefect-docker"]["docker"]["default_base_job_configuration"]
        Api(server).pool("boxes", type="docker", base_job_template=template)
        yield server


@pytest.fixture
def api(server: RunningServer, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Api:
    monkeypatch.setenv("FLOWHAND_API_URL", server.url)
    monkeypatch.setenv("FLOWHAND_HOME", str(server.home))
    monkeypatch.setenv("DOCKER_HOST", engine.host)
    monkeypatch.setenv("FLOWHAND_BASE_IMAGE", engine.base)
    return Api(server)


@pytest.fixture
def flows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Any:
    """A project with two flows, which is the working directory, as its user has it loaded."""
    name = f"flows_{request.node.name.partition('[')[0]}"
    (tmp_path / f"{name}.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return import_module(name)


def deployments(api: Api) -> list[str]:
    return sorted(one["name"] for one in api.call("POST", "/deployments/filter", {}))


def test_built_pushed_and_applied(api: Api, flows: Any, engine: Engine) -> None:
    """In this order, and told; the registry has the image, and every deployment."""
    image = f"{engine.registry}/team/project:1"
    Path("Dockerfile").write_text(f"FROM {engine.tiny}\nCOPY . /here/\n")
    both = flows.adding.to_deployment("pushed"), flows.other.to_deployment("pushed")
    with redirect_stdout(io.StringIO()) as out:
        first, second = deploy(*both, work_pool_name="boxes", image=DeploymentImage(image, dockerfile="Dockerfile"))
    told = out.getvalue()
    order = [
        told.index(words)
        for words in ("Building image", f"Built image {image}.", f"Pushed image {image}.", "All deployments", "\nDeployments")
    ]
    assert order == sorted(order)
    assert all(name in told for name in ("adding/pushed", "other/pushed", "applied", "worker start --pool boxes", "deployment run [NAME]"))
    assert httpx.get(f"http://{engine.registry}/v2/team/project/tags/list").json()["tags"] == ["1"]
    found = api.call("GET", f"/deployments/{first}")
    assert (found["job_variables"], found["path"]) == ({"image": image, "command": "flowhand flow-run execute"}, ".")
    assert api.call("GET", f"/deployments/{second}")["job_variables"]["image"] == image


def test_a_run_completes_in_a_container_of_the_image(api: Api, flows: Any, engine: Engine) -> None:
    """`docker run` of what was deployed, image and command, executes a run of the deployment to Completed."""
    image = DeploymentImage("tests/project", "1", pull=False)
    with redirect_stdout(io.StringIO()):
        boxed = flows.adding.deploy("boxed", work_pool_name="boxes", image=image, push=False)
    found = api.call("GET", f"/deployments/{boxed}")
    run = api.run(boxed, parameters={"x": 41})
    client = engine.client()
    try:
        variables = {"FLOWHAND_API_URL": api.server.url, "FLOWHAND__FLOW_RUN_ID": run}
        client.containers.run(
            image.reference, found["job_variables"]["command"].split(), environment=variables, network_mode="host", remove=True
        )
    finally:
        client.close()
    assert api.read(run)["state_name"] == "Completed"
    lines = [line["message"] for line in api.call("POST", "/logs/filter", {"logs": {"flow_run_id": {"any_": [run]}}})]
    assert "x is 41" in lines


def test_nothing_is_applied_when_the_image_cannot_be_had(api: Api, flows: Any, engine: Engine) -> None:
    """A build that fails, a push that is refused."""
    Path("Failing").write_text(f"FROM {engine.tiny}\nRUN false\n")
    Path("Working").write_text(f"FROM {engine.tiny}\nCOPY . /here/\n")
    before = deployments(api)
    deployment = flows.adding.to_deployment("never")
    with pytest.raises(ImageBuildError):
        deploy(deployment, work_pool_name="boxes", image=DeploymentImage("x", dockerfile="Failing"))
    with pytest.raises(PushError):
        deploy(deployment, work_pool_name="boxes", image=DeploymentImage("127.0.0.1:1/x", dockerfile="Working"))
    assert deployments(api) == before


def test_an_image_that_is_there_is_used_as_it_is(api: Api, flows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With build=False no engine is asked, and the reference is not changed; `flow.deploy` takes the same options."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    for image in ("host:5000/x", "x@sha256:" + "0" * 64, DeploymentImage("x", "2")):
        used = flows.adding.deploy("used", work_pool_name="boxes", image=image, build=False, push=True, print_next_steps=False)
        expected = image if isinstance(image, str) else image.reference
        assert api.call("GET", f"/deployments/{used}")["job_variables"]["image"] == expected


def test_the_working_directory_is_that_of_the_image(api: Api, flows: Any) -> None:
    """A deployment made of an entrypoint counts from the folder that the image is built of, which is elsewhere in the image."""
    made = RunnerDeployment.from_entrypoint(f"{flows.__name__}.py:adding", "placed")
    (placed,) = deploy(made, work_pool_name="boxes", image="x:1", build=False, print_next_steps_message=False)
    assert api.call("GET", f"/deployments/{placed}")["path"] == "."
    assert made.path == str(Path.cwd())


def test_an_image_may_stay_with_the_engine(api: Api, flows: Any, engine: Engine) -> None:
    """With push=False it is built and nothing more."""
    Path("Dockerfile").write_text(f"FROM {engine.tiny}\nCOPY . /here/\n")
    image = DeploymentImage(f"{engine.registry}/kept", "1", "Dockerfile")
    with redirect_stdout(io.StringIO()) as out:
        flows.adding.deploy("kept", work_pool_name="boxes", image=image, push=False)
    assert "deployment run 'adding/kept'" in out.getvalue()
    assert httpx.get(f"http://{engine.registry}/v2/kept/tags/list").status_code == 404


OURS = """
FROM {base}
COPY {wheel} /tmp/
RUN python3 -m pip install --no-deps /tmp/{wheel}
USER 10001
VOLUME /var/lib/flowhand
HEALTHCHECK CMD ["false"]
ENTRYPOINT ["env"]
"""
"""What our own Dockerfile makes, as far as images that are built of it have to cope with."""

DEPLOYING = """
from flowhand import deploy
from flowhand.deployments import DeploymentImage
from flows import adding
print("id", *deploy(adding.to_deployment("ours"), work_pool_name="boxes", image=DeploymentImage("tests/ours", "1"), push=False))
"""


@pytest.fixture
def installed(tmp_path: Path, engine: Engine) -> Generator[Path]:
    """A folder with an installation of flowhand that is no checkout; the engine has our image of the same version."""
    name, content = wheel()
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / name).write_bytes(content)
    (tmp_path / "image" / "Dockerfile").write_text(OURS.format(base=engine.base, wheel=name))
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(tmp_path / "installed")]
    subprocess.run([*command, str(tmp_path / "image" / name)], check=True, timeout=120)
    tag = f"flowhand:{flowhand_version()}-python{sys.version_info.major}.{sys.version_info.minor}"
    client = engine.client()
    client.images.build(path=str(tmp_path / "image"), tag=tag, pull=False, rm=True)
    yield tmp_path / "installed"
    client.images.remove(tag, force=True)
    client.close()


def test_our_own_image_is_the_base_where_the_engine_has_it(api: Api, engine: Engine, installed: Path, tmp_path: Path) -> None:
    """Nothing is pulled and no wheel installed; its user executes the run, and nothing asks for its health."""
    project = tmp_path / "bin"
    project.mkdir()
    (project / "flows.py").write_text(CODE)
    (project / "deploy_it.py").write_text(DEPLOYING)
    env = {**environment(api.server.home, api.server.url), "DOCKER_HOST": engine.host, "PYTHONPATH": str(installed)}
    done = subprocess.run([sys.executable, "deploy_it.py"], cwd=project, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "FROM flowhand:" in done.stdout
    assert "pip install" not in done.stdout
    deployment = api.call("GET", f"/deployments/{done.stdout.rpartition('id ')[2].strip()}")
    run = api.run(deployment["id"], parameters={"x": 41})
    client = engine.client()
    try:
        config = client.images.get("tests/ours:1").attrs["Config"]
        assert (config["User"], config["Healthcheck"]["Test"], config["WorkingDir"]) == ("10001", ["NONE"], "/opt/flowhand/bin")
        variables = {"FLOWHAND_API_URL": api.server.url, "FLOWHAND__FLOW_RUN_ID": run, "FLOWHAND_HOME": "/tmp/home"}
        command = deployment["job_variables"]["command"].split()
        client.containers.run("tests/ours:1", command, environment=variables, network_mode="host", remove=True)
    finally:
        client.close()
    assert api.read(run)["state_name"] == "Completed"
