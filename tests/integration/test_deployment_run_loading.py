"""load_flow_from_flow_run: a real server, real folders and blocks, and the flow that comes of them."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from flowhand import run_deployment
from flowhand.deployments import load_flow_from_flow_run
from flowhand.errors import FlowLoadError
from flowhand.filesystems import LocalFileSystem
from flowhand.ids import new_id
from flowhand.sdk.flow_run import FlowRun
from support.server import RunningServer
from support.worker import Api

CODE = "from flowhand import flow\n@flow\ndef {name}(): return {name!r}\n"
pytestmark = pytest.mark.anyio


@pytest.fixture
def api(server: RunningServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Api:
    monkeypatch.setenv("FLOWHAND_API_URL", server.url)
    monkeypatch.setenv("FLOWHAND_HOME", str(server.home))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(sys, "path", list(sys.path))
    return Api(server)


@pytest.fixture
def said() -> Generator[list[tuple[str, str]]]:
    """(level, message) of each line of a run's log."""
    lines: list[tuple[str, str]] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append((record.levelname, record.getMessage()))

    log, handler = logging.getLogger("flowhand.flow_runs"), Keep()
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    yield lines
    log.removeHandler(handler)
    log.setLevel(level)


def stored(folder: Path, name: str) -> Path:
    """A folder with a file `name.py` that has a flow `name`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(CODE.format(name=name))
    return folder


def a_run(api: Api, **fields: Any) -> FlowRun:
    flow = api.call("POST", "/flows/", {"name": f"loaded-{new_id()}"})
    made = api.call("POST", "/deployments/", {"name": "d", "flow_id": flow["id"], **fields})
    run = run_deployment(made["id"], timeout=0)
    assert run.deployment_id == made["id"]
    return run


async def test_the_code_comes_from_the_local_path(api: Api, tmp_path: Path, said: list[tuple[str, str]]) -> None:
    """Copied into the working directory, which comes first on sys.path; where it comes from is an info line, the rest debug."""
    stored(tmp_path / "there", "run_loading_local")
    flow = await load_flow_from_flow_run(a_run(api, entrypoint="run_loading_local.py:run_loading_local", path=str(tmp_path / "there")))
    assert flow.fn() == "run_loading_local"
    assert (tmp_path / "here" / "run_loading_local.py").exists()
    assert sys.path[0] == str(tmp_path / "here")
    (info,) = [line for level, line in said if level == "INFO"]
    assert str(tmp_path / "there") in info
    assert {level for level, _ in said} == {"INFO", "DEBUG"}


@pytest.mark.parametrize("by", ["argument", "FLOWHAND__STORAGE_BASE_PATH", "PREFECT__STORAGE_BASE_PATH"])
async def test_the_base_path_is_filled_in(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    """`$STORAGE_BASE_PATH` is the argument, else one of the settings; the argument wins."""
    name = f"run_loading_base_{by.lower()}"
    stored(tmp_path / "base" / "code", name)
    run = a_run(api, entrypoint=f"{name}.py:{name}", path="$STORAGE_BASE_PATH/code")
    if by == "argument":
        monkeypatch.setenv("FLOWHAND__STORAGE_BASE_PATH", "/nowhere")
        flow = await load_flow_from_flow_run(run, storage_base_path=str(tmp_path / "base"))
    else:
        monkeypatch.setenv(by, str(tmp_path / "base"))
        flow = await load_flow_from_flow_run(run)
    assert flow.fn() == name


async def test_the_code_comes_from_the_storage_block(api: Api, tmp_path: Path, said: list[tuple[str, str]]) -> None:
    """The deployment's path is the folder within the block, written in the other platform's way here."""
    stored(tmp_path / "store" / "a" / "b", "run_loading_block")
    block: str = await LocalFileSystem(basepath=str(tmp_path / "store")).save("run-loading", overwrite=True)  # pyright: ignore
    entrypoint = "run_loading_block.py:run_loading_block"
    flow = await load_flow_from_flow_run(a_run(api, entrypoint=entrypoint, path="a\\b", storage_document_id=block))
    assert flow.fn() == "run_loading_block"
    assert any("LocalFileSystem" in line for level, line in said if level == "INFO")


async def test_the_platform_of_an_entrypoint_does_not_matter(api: Api, tmp_path: Path) -> None:
    """Backslashes in it."""
    stored(tmp_path / "there" / "jobs", "run_loading_slashes")
    run = a_run(api, entrypoint="jobs\\run_loading_slashes.py:run_loading_slashes", path=str(tmp_path / "there"))
    assert (await load_flow_from_flow_run(run)).fn() == "run_loading_slashes"


async def test_ignoring_storage_skips_the_fetching_alone(api: Api, tmp_path: Path) -> None:
    """Nothing is copied; pull steps are carried out all the same."""
    stored(tmp_path / "there", "run_loading_ignored")
    entrypoint = "run_loading_ignored.py:run_loading_ignored"
    run = a_run(api, entrypoint=entrypoint, path=str(tmp_path / "there"))
    with pytest.raises(FlowLoadError, match="no file"):
        await load_flow_from_flow_run(run, ignore_storage=True)
    assert not list((tmp_path / "here").iterdir())
    steps = [{"prefect.deployments.steps.set_working_directory": {"directory": str(tmp_path / "there")}}]
    run = a_run(api, entrypoint=entrypoint, pull_steps=steps)
    assert (await load_flow_from_flow_run(run, ignore_storage=True)).fn() == "run_loading_ignored"


async def test_pull_steps_run_in_order_and_lead_to_a_folder(api: Api, tmp_path: Path, said: list[tuple[str, str]]) -> None:
    """With a variable and a block in their inputs; the working directory becomes what they put out, also for a module entrypoint."""
    stored(tmp_path / "there" / "inner", "run_loading_steps")
    await LocalFileSystem(basepath=str(tmp_path / "there")).save("run-loading-steps", overwrite=True)  # pyright: ignore
    api.call("POST", "/variables/", {"name": "run_loading", "value": "inner"})
    steps = [
        {
            "prefect.deployments.steps.pull_with_block": {
                "id": "pulled",
                "block_type_slug": "local-file-system",
                "block_document_name": "run-loading-steps",
            }
        },
        {"set_working_directory": {"directory": "{{ pulled.directory }}/{{ prefect.variables.run_loading }}"}},
    ]
    for entrypoint in ("run_loading_steps.py:run_loading_steps", "run_loading_steps.run_loading_steps"):
        sys.modules.pop("run_loading_steps", None)
        flow = await load_flow_from_flow_run(a_run(api, entrypoint=entrypoint, pull_steps=steps))
        assert flow.fn() == "run_loading_steps"
        assert Path.cwd().name == "inner"
        assert Path.cwd() != tmp_path / "there" / "inner"
        assert sys.path[0] == str(Path.cwd())
    assert any("inner" in line for level, line in said if level == "INFO")
    assert any("step 1" in line for level, line in said if level == "DEBUG")


async def test_storage_comes_first_for_a_module_too(api: Api, tmp_path: Path) -> None:
    """Its package is copied, then imported."""
    stored(tmp_path / "there" / "run_loading_package", "etl")
    run = a_run(api, entrypoint="run_loading_package.etl.etl", path=str(tmp_path / "there"))
    assert (await load_flow_from_flow_run(run)).fn() == "etl"


async def test_a_manifest_says_where_the_flow_is(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its import path counts from its own folder, which is also where code comes from without a path."""
    stored(tmp_path / "there" / "jobs", "run_loading_manifest")
    manifest = tmp_path / "there" / "manifest.json"
    manifest.write_text(json.dumps({"import_path": "jobs/run_loading_manifest.py:run_loading_manifest"}))
    run = a_run(api, entrypoint="unused.py:unused", manifest_path=str(manifest))
    flow = await load_flow_from_flow_run(run)
    assert flow.fn() == "run_loading_manifest"
    assert Path(flow.fn.__code__.co_filename) == tmp_path / "there" / "jobs" / "run_loading_manifest.py"
    assert (tmp_path / "here" / "jobs" / "run_loading_manifest.py").exists()
    manifest.write_text("[]")
    with pytest.raises(ValueError, match=r"manifest\.json is no JSON object with an import_path"):
        await load_flow_from_flow_run(run, ignore_storage=True)


async def test_a_flow_whose_imports_are_missing_is_a_placeholder_unless_told(api: Api, tmp_path: Path) -> None:
    """It raises the import's error when it is called; without placeholders loading fails."""
    folder = stored(tmp_path / "there", "run_loading_missing")
    file = folder / "run_loading_missing.py"
    file.write_text("import not_here_at_all\n" + file.read_text())
    run = a_run(api, entrypoint="run_loading_missing.py:run_loading_missing", path=str(folder))
    flow = await load_flow_from_flow_run(run)
    with pytest.raises(ModuleNotFoundError, match="not_here_at_all"):
        flow.fn()
    with pytest.raises(FlowLoadError, match="not_here_at_all"):
        await load_flow_from_flow_run(run, use_placeholder_flow=False)


async def test_the_flow_is_imported_off_the_loop(api: Api, tmp_path: Path) -> None:
    """A module that blocks while it is imported blocks a thread of its own."""
    folder = stored(tmp_path / "there", "run_loading_thread")
    with (folder / "run_loading_thread.py").open("a") as file:
        file.write("import threading\nTHREAD = threading.get_ident()\n")
    await load_flow_from_flow_run(a_run(api, entrypoint="run_loading_thread.py:run_loading_thread", path=str(folder)))
    assert threading.get_ident() != sys.modules["run_loading_thread"].THREAD


async def test_what_cannot_be_loaded_is_said(api: Api) -> None:
    """A deployment without an entrypoint by its name, and a run of no deployment."""
    with pytest.raises(ValueError, match=r"deployment 'd' .* has no entrypoint"):
        await load_flow_from_flow_run(a_run(api, path="."))
    with pytest.raises(ValueError, match="of no deployment"):
        await load_flow_from_flow_run(FlowRun(name="adhoc"))
