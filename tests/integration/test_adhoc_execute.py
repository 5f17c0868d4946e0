"""`flowhand flow-run execute`: a run that waits is executed in the command's own process. A real server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.git_repository import Repository
from support.runner_api import Api
from support.server import running_server
from support.storage_wheels import make_wheel, offline

CODE = """
from flowhand import flow
tries = []
@flow(log_prints=True, retries=1)
def work(n: int):
    tries.append(n)
    print(f"try {len(tries)} with {n!r}")
    if len(tries) < 2: raise ValueError("once")
"""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with running_server(tmp_path_factory.mktemp("server")) as server:
        yield Api(server)


@pytest.fixture
def deployment(api: Api, tmp_path: Path) -> str:
    (tmp_path / "code.py").write_text(CODE)
    return api.deployment(entrypoint="code.py:work", path=str(tmp_path))


def execute(api: Api, home: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLOWHAND_", "PREFECT_"))}
    environment = {**kept, "FLOWHAND_HOME": str(home / "home"), "FLOWHAND_API_URL": api.server.url, **environ}
    command = [sys.executable, "-m", "flowhand", "flow-run", "execute", *arguments]
    return subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, timeout=60, check=False)


def test_a_run_is_executed_with_its_retries(api: Api, tmp_path: Path, deployment: str) -> None:
    """The id comes from the environment, as containers get it; a second time there is nothing to execute."""
    run = api.run(deployment, parameters={"n": "3"}, in_s=600)
    done = execute(api, tmp_path, FLOWHAND__FLOW_RUN_ID=run)
    assert (done.returncode, api.read(run)["state_name"], api.read(run)["run_count"]) == (0, "Completed", 2), done.stderr
    said = [line["message"] for line in api.call("POST", "/logs/filter", {"logs": {"flow_run_id": {"any_": [run]}}})]
    assert {"try 1 with 3", "try 2 with 3"} <= set(said)
    again = execute(api, tmp_path, run)
    assert again.returncode == 1
    assert "is Completed; only a scheduled one can be claimed" in again.stderr


def test_a_flow_that_cannot_be_begun_fails_the_run(api: Api, tmp_path: Path, deployment: str) -> None:
    """Its parameters do not fit, or its code is not there."""
    run = api.run(deployment, parameters={"n": "three"})
    assert execute(api, tmp_path, run).returncode == 1
    assert "ParameterError" in api.read(run)["state"]["message"]
    (tmp_path / "code.py").unlink()
    gone = api.run(deployment, parameters={"n": 3})
    assert execute(api, tmp_path, gone).returncode == 1
    assert "FlowLoadError" in api.read(gone)["state"]["message"]


FETCHED = """
import sys
from flowhand import flow
import alpha_one
@flow(log_prints=True)
def fetched():
    print("with", alpha_one.value, "by", sys.executable)
"""


def test_code_is_fetched_and_its_environment_made(api: Api, tmp_path: Path) -> None:
    """Pull steps do what they do in a worker: the checkout, the environment's interpreter, their lines in the run's log."""
    repository = Repository(tmp_path / "served")
    repository.commit({"flows.py": FETCHED, "requirements.txt": "alpha_one\n"})
    make_wheel(tmp_path / "wheels", "alpha_one", text="value = 'alpha'\n")
    clone = {"git_clone": {"id": "clone", "repository": str(repository.bare)}}
    environment = {"pip_install_requirements": {"directory": "{{ clone.directory }}"}}
    deployment = api.deployment(entrypoint="flows.py:fetched", pull_steps=[clone, environment])
    run = api.run(deployment)
    done = execute(api, tmp_path, run, PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}", **offline(tmp_path / "wheels"))
    assert (done.returncode, api.read(run)["state_name"]) == (0, "Completed"), done.stderr
    said = [line["message"] for line in api.call("POST", "/logs/filter", {"logs": {"flow_run_id": {"any_": [run]}}})]
    assert [line for line in said if line.startswith("step ")] == ["step 1: git_clone", "step 2: pip_install_requirements"]
    (line,) = [line for line in said if line.startswith("with alpha by ")]
    assert str(tmp_path / "home" / "storage" / "environments") in line


def test_what_steps_learnt_goes_along_to_their_interpreter(api: Api, tmp_path: Path) -> None:
    """A secret that a step was given is masked in what the flow says after it; lines beyond what an environment may hold arrive."""
    kind = api.call("GET", "/block_types/slug/secret")["id"]
    schema = api.call("POST", "/block_schemas/filter", {"block_schemas": {"block_type_id": {"any_": [kind]}}})[0]["id"]
    document = {"name": "token", "block_type_id": kind, "block_schema_id": schema, "data": {"value": "open-sesame"}}
    api.call("POST", "/block_documents/", document)
    repository = Repository(tmp_path / "served")
    repository.commit({"flows.py": FETCHED + '    print("open" + "-sesame", len("open-sesame"))\n', "requirements.txt": "alpha_one\n"})
    make_wheel(tmp_path / "wheels", "alpha_one", text="value = 'alpha'\n")
    steps = [
        {"git_clone": {"id": "clone", "repository": str(repository.bare)}},
        {"run_shell_script": {"script": "seq 100000 116000", "env": {"TOKEN": "{{ prefect.blocks.secret.token }}"}}},
        {"pip_install_requirements": {"directory": "{{ clone.directory }}"}},
    ]
    run = api.run(api.deployment(entrypoint="flows.py:fetched", pull_steps=steps))
    done = execute(api, tmp_path, run, PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}", **offline(tmp_path / "wheels"))
    assert (done.returncode, api.read(run)["state_name"]) == (0, "Completed"), done.stderr[-2000:]
    found = {"logs": {"flow_run_id": {"any_": [run]}}}
    last = [line["message"] for line in api.call("POST", "/logs/filter", {**found, "sort": "TIMESTAMP_DESC"})]
    assert "******** 11" in last
    assert "116000" in last


def test_code_that_cannot_be_fetched_fails_the_run(api: Api, tmp_path: Path) -> None:
    """The state names the step."""
    run = api.run(api.deployment(entrypoint="flows.py:work", pull_steps=[{"git_clone": {"repository": str(tmp_path / "nowhere")}}]))
    assert execute(api, tmp_path, run).returncode == 1
    message = api.read(run)["state"]["message"]
    assert "PullStepFailed" in message
    assert "step 1, git_clone, failed" in message
