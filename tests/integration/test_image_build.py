"""Images, built by a real engine and pushed to a real registry."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import docker
import httpx
import pytest

from flowhand.client.identity import flowhand_version
from flowhand.deployments import DeploymentImage, PushError
from flowhand.errors import EngineUnavailable, ImageBuildError
from support.docker_engine import Engine

pytestmark = pytest.mark.timeout(300)  # the first to come waits for the engine


@pytest.fixture
def project(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, which is the working directory; the engine is the one of the environment."""
    folder = tmp_path / "my project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DOCKER_HOST", engine.host)
    monkeypatch.setenv("FLOWHAND_BASE_IMAGE", engine.base)
    return folder


@pytest.fixture
def client(engine: Engine) -> Iterator[docker.DockerClient]:
    client = engine.client()
    yield client
    client.close()


def printed(client: docker.DockerClient, image: DeploymentImage, *command: str) -> str:
    """What a command prints in a container of the image."""
    return client.containers.run(image.reference, list(command), remove=True).decode().strip()


def test_a_generated_image_holds_project_requirements_and_this_flowhand(project: Path, client: docker.DockerClient) -> None:
    """The project is the working directory, without what .dockerignore names; a Dockerfile that is there is neither used nor touched."""
    (project / "flows.py").write_text("x = 1\n")
    (project / "requirements.txt").write_text("anyio\n")
    (project / "secret.txt").write_text("s\n")
    (project / ".dockerignore").write_text("# comment\n*.txt\n")
    (project / "Dockerfile").write_text("FROM no/such:image\n")
    before = {path: path.read_bytes() for path in project.iterdir()}
    image = DeploymentImage("generated", buildargs={"SOME_ARGUMENT": "1"}, pull=False)
    with redirect_stdout(io.StringIO()) as out:
        image.build()
    assert printed(client, image, "flowhand", "--version") == flowhand_version()
    assert printed(client, image, "ls") == "Dockerfile\nflows.py"
    where = "import os, flowhand_server, flows; print(os.getcwd())"
    assert printed(client, image, "python", "-c", where) == "/opt/flowhand/my project"
    assert {path: path.read_bytes() for path in project.iterdir()} == before
    assert "Building image generated:" in out.getvalue()
    assert "-r /tmp/requirements.txt" in out.getvalue()


def test_a_dockerfile_of_ones_own(project: Path, engine: Engine, client: docker.DockerClient) -> None:
    """Its path counts from the working directory; build arguments, target and labels reach the engine."""
    (project / "build").mkdir()
    (project / "build/My.dockerfile").write_text(
        f"FROM {engine.base} AS wanted\nARG GREETING\nRUN echo $GREETING > /greeting\nCOPY . /here\nFROM wanted\nRUN false\n"
    )
    image = DeploymentImage(
        "own", dockerfile="build/My.dockerfile", buildargs={"GREETING": "hello"}, target="wanted", labels={"made": "here"}, pull=False
    )
    image.build()
    assert printed(client, image, "cat", "/greeting") == "hello"
    assert printed(client, image, "ls", "/here") == "build"
    assert client.images.get(image.reference).labels["made"] == "here"


def test_a_failing_step_shows_its_output(project: Path, engine: Engine) -> None:
    """The error has the step and what it printed; the value of a secret argument is masked."""
    lines = [f"FROM {engine.base}", "ARG API_TOKEN", "RUN echo before", "RUN echo why it failed $API_TOKEN; exit 3"]
    Path("Dockerfile").write_text("\n".join(lines))
    with pytest.raises(ImageBuildError) as failure:
        DeploymentImage("failing", "1", dockerfile="Dockerfile", buildargs={"API_TOKEN": "tok-123456"}, pull=False).build()
    words = str(failure.value)
    assert words.startswith("building image failing:1 failed at step 4/4 (RUN echo why it failed $API_TOKEN; exit 3): ")
    assert "code: 3" in words
    assert "\n  why it failed ********" in words
    assert "before" not in words
    assert "tok-123456" not in words


def test_a_base_that_is_not_there(project: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The base is pulled unless told otherwise; the engine's words come out."""
    monkeypatch.setenv("FLOWHAND_BASE_IMAGE", f"{engine.registry}/no/such:1")
    with pytest.raises(ImageBuildError, match=r"building image x:1 failed at step 1/\d+ \(FROM .*/no/such:1\): manifest"):
        DeploymentImage("x", "1").build()


def test_the_base_is_pulled(project: Path, engine: Engine, client: docker.DockerClient) -> None:
    """Unless told otherwise, also when the engine does not have it."""
    client.images.remove(engine.tiny, force=True)
    Path("Dockerfile").write_text(f"FROM {engine.tiny}\nCOPY . /here/\n")
    image = DeploymentImage("of-tiny", "1", "Dockerfile")
    image.build()
    assert client.images.get(image.reference)


def test_mistakes_are_told_before_anything_is_built(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An option the SDK does not have, one that is ours to say, a Dockerfile that is not there, no engine."""
    with pytest.raises(TypeError, match="no option 'buildarg'; did you mean buildargs"):
        DeploymentImage("x", buildarg={}).build()
    with pytest.raises(FileNotFoundError, match=r"no Dockerfile .*/my project/Nope"), pytest.warns(UserWarning, match="context of image"):
        DeploymentImage("x", dockerfile="Nope", context="/elsewhere").build()
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    for action in ("build", "push"):
        with pytest.raises(EngineUnavailable, match=r"no container engine answers: .*No such file or directory; start one"):
            getattr(DeploymentImage("x"), action)()


def test_a_push_brings_the_image_to_the_registry(project: Path, engine: Engine) -> None:
    """The registry lists the tag afterwards; what it refuses is a PushError with its words."""
    Path("Dockerfile").write_text(f"FROM {engine.tiny}\nCOPY . /here/\n")
    image = DeploymentImage(f"{engine.registry}/pushed/image", "1", "Dockerfile")
    image.build()
    image.push()
    assert httpx.get(f"http://{engine.registry}/v2/pushed/image/tags/list").json()["tags"] == ["1"]
    with pytest.raises(PushError, match=f"pushing image {engine.registry}/never/built:1 failed: .*never/built"):
        DeploymentImage(f"{engine.registry}/never/built", "1").push()
    nowhere = DeploymentImage("127.0.0.1:1/x", "1", "Dockerfile")
    nowhere.build()
    with pytest.raises(OSError, match=r"pushing image 127.0.0.1:1/x:1 failed: .*refused"):
        nowhere.push()
