"""Project files whose steps build and push an image, by the names that Prefect's integration has for them."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from support.cli import Terminal, environment, flowhand
from support.docker_engine import Engine
from support.server import RunningServer, running_server
from support.worker import Api

FILE = """
name: boxed
build:
  - prefect_docker.deployments.steps.build_docker_image:
      id: build-image
      requires: prefect-docker>=0.3.1
      image_name: {registry}/project/boxed
      tag: "1"
      dockerfile: {dockerfile}
      pull: {pull}
      additional_tags: [latest]
      buildargs: {{GREETING: hello}}
push:
  - prefect_docker.deployments.steps.push_docker_image:
      requires: prefect-docker>=0.3.1
      image_name: "{{{{ build-image.image_name }}}}"
      tag: "{{{{ build-image.tag }}}}"
      additional_tags: "{{{{ build-image.additional_tags }}}}"
pull:
  - prefect.deployments.steps.set_working_directory:
      directory: /opt/prefect/{folder}
deployments:
  - name: default
    entrypoint: flows.py:boxed
    work_pool:
      name: boxes
      job_variables:
        image: "{{{{ build-image.image }}}}"
"""
FLOW = """
from flowhand import flow

@flow
def boxed(x: int = 1) -> int:
    return x + 1
"""


pytestmark = pytest.mark.timeout(300)  # the first to come waits for the engine


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("server")) as server:
        Api(server).pool("boxes", type="docker")
        yield server


def test_an_image_of_a_project_is_built_and_pushed(tmp_path: Path, server: RunningServer, engine: Engine) -> None:
    """Both tags are in the registry, and the deployment has the image."""
    (tmp_path / "flows.py").write_text(FLOW.replace("boxed", "pushed"))
    (tmp_path / "Dockerfile").write_text(f"FROM {engine.tiny}\nCOPY . /here/\n")
    text = FILE.format(registry=engine.registry, dockerfile="Dockerfile", pull="true", folder="x").replace(
        "flows.py:boxed", "flows.py:pushed"
    )
    (tmp_path / "prefect.yaml").write_text(text)
    ended = flowhand("deploy", env=environment(server.home, server.url, DOCKER_HOST=engine.host), cwd=tmp_path, timeout=120)
    assert ended.code == 0, ended
    tags = httpx.get(f"http://{engine.registry}/v2/project/boxed/tags/list").json()["tags"]
    assert sorted(tags) == ["1", "latest"]
    found = Api(server).call("GET", "/deployments/name/pushed/default")
    assert found["job_variables"] == {"image": f"{engine.registry}/project/boxed:1", "command": "flowhand flow-run execute"}


def test_a_run_completes_in_the_image_of_a_project(tmp_path: Path, server: RunningServer, engine: Engine) -> None:
    """With the generated Dockerfile the code is where Prefect would have put it, as the file says."""
    (tmp_path / "flows.py").write_text(FLOW)
    text = FILE.format(registry="tests", dockerfile="auto", pull="false", folder=tmp_path.name)
    (tmp_path / "prefect.yaml").write_text(text[: text.index("\npush:")] + text[text.index("\npull:") :])
    environ = environment(server.home, server.url, DOCKER_HOST=engine.host, FLOWHAND_BASE_IMAGE=engine.base)
    ended = flowhand("deploy", env=environ, cwd=tmp_path, timeout=120)
    assert ended.code == 0, ended
    api = Api(server)
    found = api.call("GET", "/deployments/name/boxed/default")
    run = api.run(found["id"])
    client = engine.client()
    try:
        image, command = found["job_variables"]["image"], found["job_variables"]["command"].split()
        variables = {"FLOWHAND_API_URL": server.url, "PREFECT__FLOW_RUN_ID": run}
        client.containers.run(image, command, environment=variables, network_mode="host", remove=True)
    finally:
        client.close()
    assert api.read(run)["state_name"] == "Completed"


def test_a_build_that_fails_is_told_and_nothing_applied(tmp_path: Path, server: RunningServer, engine: Engine) -> None:
    """The failing step of the Dockerfile and what it printed stand in the error, after the file and the line of the deployment."""
    (tmp_path / "flows.py").write_text(FLOW.replace("boxed", "unbuilt"))
    (tmp_path / "Dockerfile").write_text(f"FROM {engine.base}\nRUN echo this is why; exit 4\n")
    text = FILE.format(registry=engine.registry, dockerfile="Dockerfile", pull="false", folder="x").replace(
        "flows.py:boxed", "flows.py:unbuilt"
    )
    (tmp_path / "prefect.yaml").write_text(text)
    ended = flowhand("deploy", env=environment(server.home, server.url, DOCKER_HOST=engine.host), cwd=tmp_path, timeout=120)
    assert ended.code == 1
    assert ended.err.startswith("error: prefect.yaml:")
    assert "build step 1, prefect_docker.deployments.steps.build_docker_image, failed: " in ended.err
    assert "failed at step 2/2 (RUN echo this is why; exit 4)" in ended.err
    assert "\n  this is why" in ended.err
    assert "it was not applied" in ended.err
    assert Api(server).call("POST", "/deployments/filter", {"flows": {"name": {"any_": ["unbuilt"]}}}) == []


@pytest.mark.parametrize(
    ("inputs", "code", "said"),
    [
        ("{image_name: x, tga: y}", 1, "no option 'tga'; did you mean"),
        ("{dockerfile: auto}", 2, "needs the input image_name"),
        ("{image_name: x, additional_tags: latest}", 1, "the input additional_tags must be"),
        ("{image_name: x}", 1, "there is no Dockerfile"),
    ],
)
def test_a_build_step_that_is_wrong(tmp_path: Path, server: RunningServer, inputs: str, code: int, said: str) -> None:
    """The step and what is wrong with it, before an engine is asked."""
    (tmp_path / "flows.py").write_text(FLOW)
    step = f"build: [{{prefect_docker.deployments.steps.build_docker_image: {inputs}}}]\n"
    (tmp_path / "flowhand.yaml").write_text(f"{step}deployments: [{{name: x, entrypoint: 'flows.py:boxed', work_pool: {{name: boxes}}}}]\n")
    ended = flowhand("deploy", env=environment(server.home, server.url), cwd=tmp_path)
    assert (ended.code, said in ended.err) == (code, True), ended.err


def answered(folder: Path, server: RunningServer, engine: Engine, *dialogue: tuple[str, str]) -> str:
    """`flowhand deploy` on a terminal, with what is answered to each question; what was seen."""
    terminal = Terminal("deploy", env=environment(folder / "home", server.url, DOCKER_HOST=engine.host), cwd=folder)
    try:
        for question, answer in dialogue:
            terminal.wait_for(question)
            terminal.type(answer)
        assert terminal.end() == 0, terminal.seen
    finally:
        terminal.kill()
    return terminal.seen


@pytest.fixture
def pool(server: RunningServer) -> str:
    """A pool that is chosen first, with the template of its type."""
    api = Api(server)
    kinds = api.call("GET", "/collections/views/aggregate-worker-metadata")
    template = kinds["prefect-docker"]["docker"]["default_base_job_configuration"]
    if not any(one["name"] == "asked" for one in api.call("POST", "/work_pools/filter", {})):
        api.pool("asked", type="docker", base_job_template=template)
    return "asked"


def test_on_a_terminal_the_image_is_asked_for(tmp_path: Path, server: RunningServer, pool: str, engine: Engine) -> None:
    """It is built of the folder and pushed; written into a project file, the same is done again without a question."""
    image = f"asked/{uuid4().hex}"  # the registry may outlive this run of the tests
    (tmp_path / "flows.py").write_text(FLOW.replace("boxed", "asking"))
    (tmp_path / "Dockerfile").write_text(f"FROM {engine.tiny}\nCOPY flows.py /here/\n")
    seen = answered(
        tmp_path,
        server,
        engine,
        ("Which flow?", "1"),
        ("Name of the deployment", "built"),
        ("Which work pool?", "1"),
        ("Which image do its runs need?", "1"),
        ("Name of the image, with its registry", f"{engine.registry}/{image}"),
        ("Tag", "7"),
        ("Which Dockerfile?", "1"),
        ("Push it to its registry? [Y/n]", ""),
        ("When should it run?", "1"),
        ("Write this deployment", "y"),
    )
    assert f"pushed image {engine.registry}/{image}:7" in seen
    assert httpx.get(f"http://{engine.registry}/v2/{image}/tags/list").json()["tags"] == ["7"]
    held = Api(server).call("GET", "/deployments/name/asking/built")
    assert (held["work_pool_name"], held["job_variables"]["image"]) == (pool, f"{engine.registry}/{image}:7")
    assert held["pull_steps"] == []
    (tmp_path / "flowhand.yaml").write_text((tmp_path / "flowhand.yaml").read_text().replace("tag: '7'", "tag: '8'"))
    env = environment(tmp_path / "home", server.url, DOCKER_HOST=engine.host)
    done = flowhand("deploy", "--all", env=env, cwd=tmp_path)
    assert done.code == 0, done.err
    assert sorted(httpx.get(f"http://{engine.registry}/v2/{image}/tags/list").json()["tags"]) == ["7", "8"]


def test_an_image_that_is_there_may_be_named_on_a_terminal(tmp_path: Path, server: RunningServer, pool: str, engine: Engine) -> None:
    """Nothing is built, and the code is taken to be in it."""
    (tmp_path / "flows.py").write_text(FLOW.replace("boxed", "asking"))
    seen = answered(
        tmp_path,
        server,
        engine,
        ("Which flow?", "1"),
        ("Name of the deployment", "named"),
        ("Which work pool?", "1"),
        ("Which image do its runs need?", "2"),
        ("Image, such as", "registry.example.com/team/project:1.4"),
        ("When should it run?", "1"),
        ("Write this deployment", "n"),
    )
    assert "Running build steps" not in seen
    held = Api(server).call("GET", "/deployments/name/asking/named")
    assert (held["job_variables"]["image"], held["pull_steps"]) == ("registry.example.com/team/project:1.4", [])
