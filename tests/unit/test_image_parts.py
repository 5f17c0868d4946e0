"""What an image is made of, without an engine: names, the generated Dockerfile, flowhand's wheel, the context."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from flowhand.deployments import DeploymentImage, DockerImage
from flowhand.deployments.images.context import write_context
from flowhand.deployments.images.dockerfile import Base, Requirements, default_image, generated, requirements_of
from flowhand.deployments.images.reference import split_reference
from flowhand.deployments.images.wheel import wheel


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("name", ("name", None)),
        ("name:tag", ("name", "tag")),
        ("host:5000/name", ("host:5000/name", None)),
        ("host:5000/a/name:1.2", ("host:5000/a/name", "1.2")),
        ("name:", ("name", None)),
    ],
)
def test_a_reference_is_split(reference: str, parts: tuple[str, str | None]) -> None:
    """A registry's port is no tag."""
    assert split_reference(reference) == parts


def test_a_tag_is_the_time_unless_given() -> None:
    """In the name or beside it, but not two of them; DockerImage is the same by another name."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dt\d\d-\d\d-\d\d-\d{6}-00-00", DeploymentImage("x").tag)
    assert DeploymentImage("host:1/x:a").reference == DockerImage("host:1/x", "a").reference == "host:1/x:a"
    with pytest.raises(ValueError, match=r"has a tag and another one was given: 'b'"):
        DeploymentImage("x:a", "b")
    with pytest.raises(ValueError, match="build=False"):
        DeploymentImage("x@sha256:abc")
    with pytest.raises(ValueError, match="has no name"):
        DeploymentImage(":a")


def test_a_dockerfile_is_generated() -> None:
    """Base, arguments, flowhand, requirements before the project, the project as working directory, and the base's user again."""
    assert generated("proj", Base("base:1", user="10001"), "f.whl", Requirements("a>=1\n"), ["TOKEN"]).splitlines() == [
        "FROM base:1",
        "ARG TOKEN",
        "USER root",
        "COPY flowhand/f.whl /tmp/",
        (
            "RUN python -m pip install --no-cache-dir --disable-pip-version-check /tmp/f.whl "
            "&& python -m pip install --no-cache-dir --disable-pip-version-check --no-deps --force-reinstall /tmp/f.whl && rm /tmp/f.whl"
        ),
        "COPY flowhand/requirements.txt /tmp/",
        "RUN python -m pip install --no-cache-dir --disable-pip-version-check -r /tmp/requirements.txt",
        'COPY ["project/", "/opt/flowhand/proj/"]',
        "WORKDIR /opt/flowhand/proj",
        "RUN mkdir -p /opt/prefect && ln -s /opt/flowhand/proj /opt/prefect/",
        "USER 10001",
    ]
    assert generated("a b", Base(default_image()), None, None).splitlines() == [
        f"FROM python:{sys.version_info.major}.{sys.version_info.minor}-slim",
        'COPY ["project/", "/opt/flowhand/a b/"]',
        "WORKDIR /opt/flowhand/a b",
        "RUN mkdir -p /opt/prefect && ln -s '/opt/flowhand/a b' /opt/prefect/",
    ]
    ours = generated("proj", Base("flowhand:1", "10001", has_flowhand=True), None, None).splitlines()
    assert ours[:3] == ["FROM flowhand:1", "HEALTHCHECK NONE", "USER root"]
    assert ours[-1] == "USER 10001"


def test_requirements_are_found(tmp_path: Path) -> None:
    """In requirements.txt, else in pyproject.toml; those that need the project's files are installed after it came in."""
    assert requirements_of(tmp_path) is None
    about = tmp_path / "pyproject.toml"
    about.write_text('[project]\nname = "x"\ndependencies = ["a", "b>=2"]\n')
    assert requirements_of(tmp_path) == Requirements("a\nb>=2\n")
    about.write_text('[project]\nname = "x"\ndynamic = ["dependencies"]\n')
    dynamic = requirements_of(tmp_path)
    assert dynamic is not None
    assert not dynamic.early
    assert generated("p", Base("b"), None, dynamic).splitlines()[-1].endswith("pip-version-check .")
    about.write_text("[tool.x]\n")
    assert requirements_of(tmp_path) is None
    about.write_text("[project\n")
    with pytest.raises(ValueError, match=r"pyproject.toml: "):
        requirements_of(tmp_path)
    for line in ("-e .", "-r other.txt", "./here", "x @ file:y", "--requirement other.txt"):
        (tmp_path / "requirements.txt").write_text(f"a\n{line}\n")
        found = requirements_of(tmp_path)
        assert found is not None
        assert not found.early, line
        assert generated("p", Base("b"), None, found).splitlines()[-1].endswith("-r requirements.txt")


def test_the_wheel_is_what_runs_here(tmp_path: Path) -> None:
    """All packages with their data, importable from the wheel, with the commands; and the same again the next time."""
    name, content = wheel()
    assert (name, content) == wheel()
    path = tmp_path / name
    path.write_bytes(content)
    with zipfile.ZipFile(BytesIO(content)) as archive:
        names = archive.namelist()
        about = next(one for one in names if one.endswith("entry_points.txt"))
        assert "flowhand = flowhand.cli:main" in archive.read(about).decode()
    assert not [one for one in names if "__pycache__" in one or "direct_url" in one]
    assert {"flowhand/py.typed", "flowhand_server/app.py", "flowhand_storage/source.py"} <= set(names)
    code = "import flowhand.sdk.flow, flowhand_storage; print(flowhand.__file__)"
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(path)}, capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.startswith(str(path))


def test_the_context_leaves_out_what_no_run_needs(tmp_path: Path) -> None:
    """Version control, caches, environments and sockets by default; links stay links, and owners are not told."""
    for name in (".git/config", "a/__pycache__/b.pyc", ".venv/bin/python", "a/code.py", ".env"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "link").symlink_to("a/code.py")
    with socket.socket(socket.AF_UNIX) as plug:
        here = Path.cwd()
        os.chdir(tmp_path)  # a socket's path is short
        plug.bind("plug")
        os.chdir(here)
        with write_context(tmp_path, {"Dockerfile": b"FROM x"}) as content, tarfile.open(fileobj=content) as archive:
            files = {one.name: one for one in archive if not one.isdir()}
    assert files.keys() == {"flowhand/Dockerfile", "project/a/code.py", "project/.env", "project/link"}
    assert files["project/link"].linkname == "a/code.py"
    assert {one.uid for one in files.values()} == {0}
