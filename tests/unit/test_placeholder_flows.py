"""Placeholder flows: a flow whose module cannot be imported here, read from its source."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path
from typing import Any

import pytest

from flowhand.deployments import RunnerDeployment
from flowhand.deployments.placeholders import load_flow_or_placeholder
from flowhand.deployments.source_flow import read_flow
from flowhand.errors import FlowLoadError
from flowhand.sdk.loading import load_flow

HEAD = "import not_installed_anywhere\n"
BODY = '''
import datetime as dt
from typing import Annotated, Literal, Optional
from uuid import UUID
from flowhand import flow
NAME = "from a constant"
LIMIT: int = 5

@flow(name=NAME, version="v3", retries=2, on_failure=[print])
def main(
    first: int, /, day: dt.date, mode: Literal["a", "b"] = "a", *, ids: list[UUID] | None = None, limit: int = LIMIT, tag: "str" = "x",
    size: Annotated[float, ...] = 1.5, maybe: Optional[dict[str, int]] = None,
) -> None:
    """Does it.

    Args:
        first: How many.
    """
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def written(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return name


def test_the_schema_of_a_placeholder_is_that_of_the_flow(folder: Path) -> None:
    """Name, description, version, retries and parameters read from the source are what importing it would give."""
    real = load_flow(f"{written(folder, 'placeholder_real.py', BODY)}:main")
    made = load_flow_or_placeholder(f"{written(folder, 'placeholder_broken.py', HEAD + BODY)}:main")
    assert made.parameters == real.parameters
    assert (made.name, made.version, made.description, made.retries) == (real.name, real.version, real.description, real.retries)
    assert made.name == "from a constant"


def test_from_entrypoint_takes_a_flow_whose_imports_are_missing(folder: Path) -> None:
    """A file and a module, each as a deployment with the entrypoint as given and a version that is the file's."""
    (folder / "placeholder_package").mkdir()
    written(folder, "placeholder_package/__init__.py", "import not_installed_anywhere_either\n")
    text = HEAD + "from flowhand import flow\n@flow\ndef my_flow(n: int, unit='s'):\n    'Words.'\n"
    written(folder, "placeholder_package/etl.py", text)
    for entrypoint in ("placeholder_package/etl.py:my_flow", "placeholder_package.etl:my_flow", "placeholder_package.etl.my_flow"):
        made = RunnerDeployment.from_entrypoint(entrypoint, "d", cron="@daily")
        assert (made.entrypoint, made.path, made.flow_name, made.description) == (entrypoint, str(folder), "my-flow", "Words.")
        assert made.parameter_openapi_schema["required"] == ["n"]
        assert made.parameter_openapi_schema["properties"]["unit"]["default"] == "s"
        assert made.version is not None
        assert len(made.version) == 32


def test_from_storage_takes_a_flow_whose_imports_are_missing(folder: Path) -> None:
    """By `from_storage` and `from_source`."""
    written(folder, "stored.py", HEAD + "from flowhand import flow\n@flow\ndef stored(): ...\n")

    class Folder:
        destination = folder

        def set_base_path(self, path: Path) -> None: ...
        def pull_code(self) -> None: ...
        def to_pull_step(self) -> dict[str, Any]:
            return {}

    assert RunnerDeployment.from_storage(Folder(), "stored.py:stored", "d").flow_name == "stored"


def test_reading_a_flow_runs_none_of_it(folder: Path) -> None:
    """Nothing below the failing import happens: no class body, no default, no annotation."""
    text = HEAD + (
        "from pathlib import Path\nfrom flowhand import flow\n"
        "class Model: Path('ran').touch()\n@flow\ndef main(a: Path('ran').touch(), b: Model, c=Path('ran').touch()): ...\n"
    )
    made = load_flow_or_placeholder(f"{written(folder, 'placeholder_sideeffects.py', text)}:main")
    assert not (folder / "ran").exists()
    assert [*made.parameters["properties"]] == ["a", "b", "c"]
    assert made.parameters["required"] == ["a", "b"]
    assert "default" not in made.parameters["properties"]["c"]
    assert "type" not in made.parameters["properties"]["b"]


def test_calling_a_placeholder_raises_what_the_import_raised(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In plain and in async code; the error is the module's own."""
    monkeypatch.setenv("FLOWHAND_HOME", str(folder))
    text = HEAD + "from flowhand import flow\n@flow\ndef plain(): ...\n@flow\nasync def awaited(): ...\n"
    name = written(folder, "placeholder_called.py", text)
    with pytest.raises(ModuleNotFoundError, match="not_installed_anywhere"):
        load_flow_or_placeholder(f"{name}:plain")()
    awaited = load_flow_or_placeholder(f"{name}:awaited")
    assert awaited.is_async
    with pytest.raises(ModuleNotFoundError, match="not_installed_anywhere"):
        asyncio.run(awaited())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("from flowhand import flow\n@flow\ndef other(): ...\n", "no module 'not_installed_anywhere'"),
        ("def main(): ...\n", "no module 'not_installed_anywhere'"),
        ("from flowhand import flow\n@flow(name=str(1))\ndef main(): ...\n", "no module 'not_installed_anywhere'"),
        ("def main(:\n", "line 2"),
    ],
    ids=["no such flow", "no decorator", "a computed name", "no Python"],
)
def test_a_source_that_does_not_tell_enough_is_an_error(folder: Path, text: str, words: str) -> None:
    """The error is the import's, in words."""
    with pytest.raises(FlowLoadError, match=words):
        load_flow_or_placeholder(f"{written(folder, 'placeholder_poor.py', HEAD + text)}:main")


def test_what_is_missing_is_no_placeholder(folder: Path) -> None:
    """A file that is not there, a module that is not there, a name that is not in it: errors as ever."""
    written(folder, "placeholder_whole.py", "from flowhand import flow\n@flow\ndef main(): ...\n")
    for entrypoint in ("nowhere.py:main", "placeholder_nowhere:main", "placeholder_whole.py:mian"):
        with pytest.raises(FlowLoadError):
            load_flow_or_placeholder(entrypoint)


def test_methods_and_flows_under_a_condition_are_found() -> None:
    """A qualified name, without `self` for a method and with every parameter for a staticmethod; bodies of `if` and `try`."""
    source = (
        "import flowhand as fh\nclass Jobs:\n    @fh.flow\n    def one(self, x: int): ...\n"
        "    @staticmethod\n    @fh.flow\n    def two(x: int, *rest: str, **more): ...\n"
        "try:\n    from prefect import flow as f\nexcept ImportError:\n    from flowhand import flow as f\n"
        "if True:\n    @f(log_prints=True)\n    async def three(): ...\n"
    )
    one, two, three = (read_flow(source, name) for name in ("Jobs.one", "Jobs.two", "three"))
    assert one is not None
    assert str(one.signature) == "(x: int)"
    assert two is not None
    assert str(two.signature) == "(x: int, *rest: str, **more)"
    assert three is not None
    assert (three.is_async, three.options, three.signature) == (True, {"log_prints": True}, inspect.Signature())
    assert read_flow(source, "Jobs.four") is None
    assert read_flow(source, "Nobody.four") is None
