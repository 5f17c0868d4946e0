"""Blocks from the script that saves them to the runs that use them: a real API, worker and git server."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flowhand import flow, run_deployment
from flowhand.blocks import GitHubCredentials, Secret
from flowhand.errors import BlockMissingCapabilities, DeploymentApplyError
from flowhand.filesystems import GitHub, LocalFileSystem
from flowhand.runner.storage import BlockStorageAdapter, GitRepository, create_storage_from_source
from flowhand.variables import Variable
from support.git_http import GitHttpServer
from support.git_repository import Repository
from support.server import running_server
from support.worker import Api, RunningWorker, running_worker

TOKEN = "".join(["t0ken", "-of-the-blocks"])
FLOWS = """
import os
from flowhand import flow, get_run_logger
from flowhand.blocks import Block, Secret
from flowhand.variables import Variable

@flow(log_prints=True)
def greet():
    print("hello from the block")

@flow(log_prints=True)
def environment():
    names = ("API_KEY", "PART", "COLOUR", "NOBODY")
    print("environment:", *(f"{name}={os.environ.get(name)!r}" for name in names))

@flow
def below():
    get_run_logger().info("below: %s", Secret.load("used").get())

@flow(log_prints=True)
def use():
    below()
    print("the secret is", Secret.load("used").get(), "and the variable", Variable.get("colour"))

@flow(log_prints=True)
def given(secret: Secret, code: Block | None = None):
    print("given", secret.get(), "and", code and code.basepath)

@flow(log_prints=True)
async def use_async():
    print("the secret is", (await Secret.load("used")).get(), "and the variable", await Variable.get("colour"))
"""


@dataclass
class House:
    """A server, a worker that knows no secrets, and a private repository."""

    api: Api
    worker: RunningWorker
    repository: Repository
    git: GitHttpServer
    folder: Path

    def run(self, deployment: str) -> tuple[dict[str, Any], list[str]]:
        """A run once it has ended, and its log."""
        ended = self.api.ended(self.api.run(deployment))
        return ended, self.api.logs(ended["id"])

    def steps(self, deployment: str) -> list[dict[str, Any]]:
        return self.api.call("GET", f"/deployments/{deployment}")["pull_steps"]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Generator[House]:
    folder = tmp_path_factory.mktemp("house")
    (folder / "code").mkdir()
    (folder / "code" / "flows.py").write_text(FLOWS)
    repository = Repository(folder / "served")
    repository.commit({"flows.py": FLOWS})
    with (
        GitHttpServer(repository.bare.parent, ("x-access-token", TOKEN)) as git,
        running_server(folder / "server") as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        api = Api(server)
        api.pool("pool")
        for name, value in {"FLOWHAND_API_URL": server.url, "FLOWHAND_HOME": str(folder / "author")}.items():
            patch.setenv(name, value)
        with running_worker(server, home=folder / "worker", cwd=Path("/")) as worker:
            yield House(api, worker, repository, git, folder)


def test_code_in_a_storage_block_is_deployed_and_run(house: House) -> None:
    """from_source(block), deploy, and a run that pulls with the block; what the block gives out next, the next run runs."""
    block = LocalFileSystem(basepath=str(house.folder / "code"))
    block.save("code", overwrite=True)
    assert isinstance(create_storage_from_source(block), BlockStorageAdapter)
    deployment = flow.from_source(block, "flows.py:greet").deploy("block", work_pool_name="pool", print_next_steps=False)
    assert house.steps(deployment) == [
        {"prefect.deployments.steps.pull_with_block": {"block_type_slug": "local-file-system", "block_document_name": "code"}}
    ]
    ended, logs = house.run(deployment)
    assert ended["state_name"] == "Completed", ended["state"]
    assert "hello from the block" in logs
    (house.folder / "code" / "flows.py").write_text(FLOWS.replace("from the block", "from its next content"))
    assert "hello from its next content" in house.run(deployment)[1]
    (house.folder / "code" / "flows.py").write_text(FLOWS)


def test_a_storage_block_that_was_never_saved_is_refused() -> None:
    """A worker could not find it; the error says what to do."""
    with pytest.raises(ValueError, match="save the LocalFileSystem block first"):
        BlockStorageAdapter(LocalFileSystem(basepath="/srv")).to_pull_step()


def test_a_block_that_holds_no_code_is_refused() -> None:
    """With what it cannot do, and which blocks can."""
    with pytest.raises(
        BlockMissingCapabilities, match="a Secret block cannot give out a folder of code; LocalFileSystem, S3 or GitHub can"
    ):
        flow.from_source(Secret(value="x"), "flows.py:greet")


def test_a_run_says_which_block_is_missing(house: House) -> None:
    """A step whose block was deleted fails the run, and the state names the block."""
    block = LocalFileSystem(basepath=str(house.folder / "code"))
    block.save("short-lived")
    deployment = flow.from_source(block, "flows.py:greet").deploy("missing", work_pool_name="pool", print_next_steps=False)
    LocalFileSystem.delete("short-lived")
    ended, _ = house.run(deployment)
    assert ended["state_name"] == "Failed"
    assert "there is no block local-file-system/short-lived" in ended["state"]["message"]


@pytest.mark.parametrize("entrypoint", ["flows.py:use", "flows.py:use_async"])
def test_a_flow_loads_blocks_with_the_workers_credentials(house: House, entrypoint: str) -> None:
    """From plain and from async flows; the secret is masked in what the run says, the variable is not."""
    Secret(value=TOKEN).save("used", overwrite=True)
    Variable.set("colour", "green", overwrite=True)
    storage = create_storage_from_source(str(house.folder / "code"))
    ended, logs = house.run(flow.from_source(storage, entrypoint).deploy("use", work_pool_name="pool", print_next_steps=False))
    assert ended["state_name"] == "Completed", ended["state"]
    assert "the secret is ******** and the variable green" in logs
    if entrypoint == "flows.py:use":
        (called,) = house.api.call("POST", "/flow_runs/filter", {"flows": {"name": {"any_": ["below"]}}})
        assert "below: ********" in house.api.logs(called["id"])
    assert TOKEN not in str(ended) + str(logs) + house.worker.log


@pytest.mark.parametrize("word", ["prefect", "flowhand"])
def test_steps_resolve_blocks_and_variables(house: House, word: str) -> None:
    """In both spellings, whole and in part; what came out of a block is masked where a step prints it."""
    Secret(value=TOKEN).save("in-step", overwrite=True)
    Secret(value={"user": "u5er-name", "parts": ["p4rt-of-it"]}).save("structure", overwrite=True)
    Variable.set("colour", "green", overwrite=True)
    script = f"echo [{{{{ {word}.blocks.secret.in-step }}}}] [{{{{ {word}.blocks.secret.structure.parts[0] }}}}]\n"
    script += f"echo [{{{{ {word}.variables.colour }}}}] [$USER_OF_IT]"
    env = {"USER_OF_IT": f"{{{{ {word}.blocks.secret.structure.user }}}}"}
    steps = [
        {"run_shell_script": {"script": script, "env": env, "shell": True}},
        {"set_working_directory": {"directory": str(house.folder / "code")}},
    ]
    deployment = house.api.deploy("flows.py:greet", house.folder / "code", pull_steps=steps, name=f"templates-{word}")
    ended, logs = house.run(deployment)
    assert ended["state_name"] == "Completed", ended["state"]
    assert {"[***] [***]", "[green] [***]"} <= set("\n".join(logs).splitlines())


@pytest.mark.parametrize("kind", ["secret", "credentials"])
def test_a_private_repository_by_a_block(house: House, kind: str) -> None:
    """The step refers to the saved block by its name, and the run opens the repository with what is in it."""
    if kind == "secret":
        secret = Secret(value=TOKEN)
        secret.save("git-token", overwrite=True)
        given, wanted = {"access_token": secret}, {"access_token": "{{ prefect.blocks.secret.git-token }}"}
    else:
        GitHubCredentials.model_validate({"token": TOKEN}).save("git", overwrite=True)
        given, wanted = GitHubCredentials.load("git"), "{{ prefect.blocks.github-credentials.git }}"
    source = flow.from_source(GitRepository(house.git.url(), credentials=given), "flows.py:greet")
    deployment = source.deploy(f"git-{kind}", work_pool_name="pool", print_next_steps=False)
    assert house.steps(deployment)[0]["prefect.deployments.steps.git_clone"]["credentials"] == wanted
    ended, _ = house.run(deployment)
    assert ended["state_name"] == "Completed", ended["state"]


@pytest.mark.parametrize("kind", ["plain", "secret", "credentials"])
def test_credentials_that_are_not_saved_are_kept(house: House, kind: str) -> None:
    """Not in the deployment but in an anonymous block, which applying again brings up to date and does not multiply."""
    given = {"plain": {"access_token": TOKEN}, "secret": {"access_token": Secret(value=TOKEN)}}
    credentials = given.get(kind) or GitHubCredentials.model_validate({"token": TOKEN})
    deploy: dict[str, Any] = {"name": f"kept-{kind}", "work_pool_name": "pool", "print_next_steps": False}
    sourced = flow.from_source(GitRepository(house.git.url(), credentials=credentials), "flows.py:greet")
    before = _anonymous(house)
    deployment = sourced.deploy(**deploy)
    (first,) = house.steps(deployment)
    assert sourced.deploy(**deploy) == deployment
    assert house.steps(deployment) == [first]
    assert TOKEN not in str(house.api.call("GET", f"/deployments/{deployment}"))
    (made,) = [one for one in _anonymous(house) if one not in before]
    assert made["data"] == {"value": "********"}
    ended, _ = house.run(deployment)
    assert ended["state_name"] == "Completed", ended["state"]


def _anonymous(house: House) -> list[dict[str, Any]]:
    return house.api.call("POST", "/block_documents/filter", {"block_documents": {"is_anonymous": {"eq_": True}}})


def test_a_repository_block_is_storage(house: House) -> None:
    """GitHub(...) as the source: its token is in the block, and the step names the block alone."""
    block = GitHub.model_validate({"repository": house.git.url(), "access_token": TOKEN})
    block.save("hub", overwrite=True)
    deployment = flow.from_source(GitHub.load("hub"), "flows.py:greet").deploy("hub", work_pool_name="pool", print_next_steps=False)
    assert TOKEN not in str(house.steps(deployment))
    ended, logs = house.run(deployment)
    assert ended["state_name"] == "Completed", ended["state"]
    assert "hello from the block" in logs


def test_an_unsaved_block_applies_nothing(house: House) -> None:
    """The deployment is not there afterwards."""
    sourced = flow.from_source(LocalFileSystem(basepath=str(house.folder / "code")), "flows.py:greet")
    with pytest.raises((ValueError, DeploymentApplyError), match="save the LocalFileSystem block first"):
        sourced.deploy("never", work_pool_name="pool", print_next_steps=False)
    with pytest.raises(AssertionError, match="404"):
        house.api.call("GET", "/deployments/name/greet/never")


def test_job_variables_resolve_blocks_and_variables(house: House) -> None:
    """In the environment of a run: whole, in part, within a text; what came out of a block is masked, and is not in the worker's files."""
    Secret(value=TOKEN).save("env", overwrite=True)
    Secret(value={"parts": ["p4rt-of-it"]}).save("env-structure", overwrite=True)
    Variable.set("colour", "green", overwrite=True)
    env = {
        "API_KEY": "Bearer {{ prefect.blocks.secret.env }}",
        "PART": "{{ flowhand.blocks.secret.env-structure.parts[0] }}",
        "COLOUR": "{{ prefect.variables.colour }}",
        "NOBODY": "{{ prefect.variables.no_such_variable }}",
    }
    deployment = house.api.deploy("flows.py:environment", house.folder / "code", job_variables={"env": env}, name="env")
    ended, logs = house.run(deployment)
    assert ended["state_name"] == "Completed", ended["state"]
    assert "environment: API_KEY='Bearer ********' PART='********' COLOUR='green' NOBODY=''" in logs
    assert TOKEN not in house.worker.log
    journals = [path.read_bytes() for path in house.worker.home.rglob("*journal*") if path.is_file()]
    assert journals
    assert not [content for content in journals if TOKEN.encode() in content]


def test_a_job_variable_refers_by_id(house: House) -> None:
    """`$ref` is the block's fields; a document that is not there crashes the run before it starts, and the state says so."""
    document_id = Secret(value=TOKEN).save("by-id", overwrite=True)
    template = {
        "job_configuration": {"env": {"API_KEY": "{{ key }}"}},
        "variables": {"properties": {"key": {"title": "Key", "default": None}}},
    }
    house.api.call("POST", "/work_pools/", {"name": "referring", "type": "process", "base_job_template": template})
    with running_worker(house.api.server, pool="referring", home=house.folder / "referring", cwd=Path("/")):
        reference = {"$ref": {"block_document_id": document_id}}
        made = house.api.deploy("flows.py:environment", house.folder / "code", "referring", job_variables={"key": reference}, name="ref")
        ended, logs = house.run(made)
        assert ended["state_name"] == "Completed", ended["state"]
        assert any("'value': '********'" in line for line in logs), logs
        Secret.delete("by-id")
        ended, _ = house.run(made)
    assert ended["state_name"] == "Crashed"
    assert document_id in ended["state"]["message"]


def test_a_missing_block_in_a_job_variable(house: House) -> None:
    """The run crashes before it starts, and the state names the block."""
    env = {"API_KEY": "{{ prefect.blocks.secret.nobody-saved-it }}"}
    deployment = house.api.deploy("flows.py:environment", house.folder / "code", job_variables={"env": env}, name="lacking")
    ended, _ = house.run(deployment)
    assert ended["state_name"] == "Crashed"
    assert "secret/nobody-saved-it" in ended["state"]["message"]


def test_blocks_are_parameters(house: House) -> None:
    """A saved block as a parameter of a deployment or of a run is a reference there, and the block in the flow."""
    secret = Secret(value=TOKEN)
    secret.save("parameter", overwrite=True)
    code = LocalFileSystem(basepath=str(house.folder / "code"))
    code.save("parameter", overwrite=True)
    sourced = flow.from_source(str(house.folder / "code"), "flows.py:given")
    deployment = sourced.deploy("given", work_pool_name="pool", parameters={"secret": secret}, print_next_steps=False)
    run = run_deployment(deployment, parameters={"code": code})
    assert run.state_name == "Completed", run.state
    assert LocalFileSystem.load_from_ref(run.parameters["code"]["$ref"]) == code
    assert f"given ******** and {house.folder / 'code'}" in house.api.logs(run.id)


def test_blocks_that_cannot_be_parameters(house: House) -> None:
    """One that is not saved is refused where it is given; one of another type, or gone, fails the run, which says so."""
    sourced = flow.from_source(str(house.folder / "code"), "flows.py:given")
    deployment = sourced.deploy("wrong", work_pool_name="pool", print_next_steps=False)
    with pytest.raises(TypeError, match="save the Secret block first"):
        run_deployment(deployment, parameters={"secret": Secret(value="x")})
    code = LocalFileSystem(basepath="/srv")
    code.save("wrong", overwrite=True)
    run = run_deployment(deployment, parameters={"secret": code})
    assert run.state is not None
    assert "a block of the type 'local-file-system' is no Secret" in str(run.state.message)
    LocalFileSystem.delete("wrong")
    again = house.api.ended(house.api.run(deployment, parameters=run.parameters))
    assert "there is no block" in again["state"]["message"]
