"""The steps that build and push, as functions of flowhand.deployments.steps."""

from __future__ import annotations

import docker
import pytest

from flowhand.deployments.steps import build_docker_image, run_steps
from support.docker_engine import Engine

pytestmark = pytest.mark.timeout(300)  # the first to come waits for the engine


def test_an_image_is_built_by_a_call(engine: Engine, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its outputs are those of the step; in a list of steps, later ones use them."""
    folder = tmp_path_factory.mktemp("called")
    (folder / "Dockerfile").write_text(f"FROM {engine.tiny}\nCOPY . /here/\n")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DOCKER_HOST", engine.host)
    built = build_docker_image(image_name="tests/called", tag="1")
    assert (built["image"], built["image_name"], built["tag"]) == ("tests/called:1", "tests/called", "1")
    client: docker.DockerClient = engine.client()
    assert client.images.get("tests/called:1").id == built["image_id"]
    client.close()
    build = {"build_docker_image": {"id": "it", "image_name": f"{engine.registry}/called", "tag": "2"}}
    push = {"push_docker_image": {"image_name": "{{ it.image_name }}", "tag": "{{ it.tag }}"}}
    assert run_steps([build, push])["image"] == f"{engine.registry}/called:2"
