"""Code in git, from the script that deploys it to the logs of its runs: a real git server, API and worker."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from flowhand import flow
from flowhand.blocks import Secret
from flowhand.deployments import RunnerDeployment
from flowhand.runner.storage import GitRepository, create_storage_from_source
from support.git_http import GitHttpServer
from support.git_repository import Repository
from support.server import running_server
from support.ssh_server import SshServer
from support.worker import Api, RunningWorker, running_worker

TOKEN = "".join(["t0ken", "-of-the-house"])
FLOWS = """
from flowhand import flow, get_run_logger
from parts.names import NAME

@flow(log_prints=True)
def greet(name: str = "you"):
    print("hello", name, "from", NAME)
"""


@dataclass
class House:
    """A server, a worker that has the token in its environment, and a private repository that wants it."""

    api: Api
    worker: RunningWorker
    repository: Repository
    git: GitHttpServer

    def ended(self, deployment: str, **fields: Any) -> dict[str, Any]:
        return self.api.ended(self.api.run(deployment, **fields))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Generator[House]:
    folder = tmp_path_factory.mktemp("house")
    repository = Repository(folder / "served")
    repository.commit({"flows.py": FLOWS, "parts/names.py": "NAME = 'git'\n"})
    with (
        GitHttpServer(repository.bare.parent, ("x-access-token", TOKEN)) as git,
        running_server(folder / "server") as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        api = Api(server)
        api.pool("pool")
        for name, value in {"FLOWHAND_API_URL": server.url, "FLOWHAND_HOME": str(folder / "author"), "HOUSE_TOKEN": TOKEN}.items():
            patch.setenv(name, value)
        with running_worker(server, home=folder / "worker", cwd=Path("/"), environ={"HOUSE_TOKEN": TOKEN}) as worker:
            yield House(api, worker, repository, git)


def private(house: House, **options: Any) -> GitRepository:
    return GitRepository(house.git.url(), credentials={"access_token": "{{ $HOUSE_TOKEN }}"}, **options)


def test_a_flow_from_a_private_repository_is_deployed_and_run(house: House) -> None:
    """from_source, deploy, worker, logs; the next commit of the branch is what the next run runs."""
    deployment = flow.from_source(private(house), "flows.py:greet").deploy("git", work_pool_name="pool", print_next_steps=False)
    (step,) = house.api.call("GET", f"/deployments/{deployment}")["pull_steps"]
    assert step["prefect.deployments.steps.git_clone"]["credentials"] == {"access_token": "{{ $HOUSE_TOKEN }}"}
    ended = house.ended(deployment, parameters={"name": "Ada"})
    assert ended["state_name"] == "Completed", ended["state"]
    logs = house.api.logs(ended["id"])
    assert "hello Ada from git" in logs
    assert f"code is at revision {house.repository.head[:12]}" in logs
    house.repository.commit({"flows.py": FLOWS, "parts/names.py": "NAME = 'the next commit'\n"})
    assert "hello you from the next commit" in house.api.logs(house.ended(deployment)["id"])


def test_the_token_is_nowhere(house: House) -> None:
    """Not in logs, states, the worker's own log, its home's checkouts, caches and job files, nor in the arguments of any process."""
    seen: list[list[str]] = []
    deployment = RunnerDeployment.from_storage(private(house, branch="main"), "flows.py:greet", "kept").apply(work_pool_name="pool")
    run = house.api.run(deployment)

    def look(reply: dict[str, Any]) -> bool:
        seen.extend(process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"]))
        return reply["terminal"]

    ended = house.api.until(run, look, 60)
    assert ended["state_name"] == "Completed", ended["state"]
    house.git.login, wanted = "nobody", house.git.login
    failed = house.ended(deployment)
    house.git.login = wanted
    assert failed["state_name"] == "Failed"
    assert "git_clone, failed" in failed["state"]["message"]
    told = [str(house.api.call("GET", f"/flow_run_states/?flow_run_id={one}")) + str(house.api.logs(one)) for one in (run, failed["id"])]
    assert not [text for text in [*told, house.worker.log, str(seen)] if TOKEN in text]
    storage = house.worker.home / "storage"
    assert [path.name for path in storage.iterdir()]
    assert not [path for path in storage.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]


def test_what_a_flow_says_of_the_token_is_masked(house: House) -> None:
    """The steps brought it, so the worker knows it: in log lines, in what is printed, in two halves, and in the state's message."""
    leak = "import os\nfrom flowhand import flow, get_run_logger\n@flow\ndef leak():\n    token = os.environ['HOUSE_TOKEN']\n"
    leak += "    get_run_logger().info('logged %s', token)\n    print('printed', token, flush=True)\n"
    leak += "    print('halves', token[:9] + chr(10) + token[9:], flush=True)\n    raise ValueError(token, {token: 1})\n"
    house.repository.commit({"leak.py": leak}, branch="leaking")
    house.repository.git("checkout", "-q", "main")
    deployment = flow.from_source(private(house, branch="leaking"), "leak.py:leak").deploy("d", work_pool_name="pool")
    ended = house.ended(deployment)
    assert ended["state_name"] == "Failed", ended["state"]
    logs = house.api.logs(ended["id"])
    assert [line for line in logs if line.startswith(("logged ", "halves "))] == ["logged ********", "halves ********"]
    assert TOKEN[9:] not in logs
    assert TOKEN not in str(logs) + str(ended) + house.worker.log


def test_a_deploy_key_opens_a_repository_over_ssh(house: House, tmp_path: Path) -> None:
    """A key in a secret block, by which the deployment names it; it is in no file that is left and in no log."""
    private = Repository(tmp_path)
    private.commit({"flows.py": "from flowhand import flow\n@flow(log_prints=True)\ndef keyed(): print('over ssh')\n"})
    with SshServer(tmp_path / "ssh") as server:
        Secret(value=server.key.read_text()).save("deploy-key")
        credentials = {"ssh_key": Secret.load("deploy-key"), "known_hosts": server.known_hosts}
        source = GitRepository(server.url(private.bare), branch="main", credentials=credentials)
        deployment = flow.from_source(source, "flows.py:keyed").deploy("ssh", work_pool_name="pool", print_next_steps=False)
        ended = house.ended(deployment)
    assert ended["state_name"] == "Completed", ended["state"]
    logs, step = house.api.logs(ended["id"]), house.api.call("GET", f"/deployments/{deployment}")["pull_steps"]
    assert "over ssh" in logs
    assert "{{ prefect.blocks.secret.deploy-key }}" in str(step)
    line = server.key.read_text().splitlines()[2]
    assert line not in str(logs) + str(step) + str(ended) + house.worker.log
    assert not [path for path in (house.worker.home / "storage").rglob("*") if path.is_file() and line.encode() in path.read_bytes()]


def test_a_public_repository_needs_its_address_alone(house: House, tmp_path: Path) -> None:
    """An address that ends in .git is git's; no credentials, no step but the clone."""
    public = Repository(tmp_path)
    public.commit({"flows.py": "from flowhand import flow\n@flow(log_prints=True)\ndef plain(): print('public')\n"})
    with GitHttpServer(tmp_path) as git:
        assert isinstance(create_storage_from_source(git.url()), GitRepository)
        deployment = flow.from_source(git.url(), "flows.py:plain").deploy("public", work_pool_name="pool", print_next_steps=False)
        ended = house.ended(deployment)
    assert ended["state_name"] == "Completed", ended["state"]
    assert "public" in house.api.logs(ended["id"])


def test_variables_and_blocks_fill_steps(house: House) -> None:
    """`prefect.variables` and the value of a secret block, asked of the API with the worker's credentials."""
    call = house.api.call
    call("POST", "/variables/", {"name": "branch", "value": "main"})
    kind = call("POST", "/block_types/", {"name": "Kept", "slug": "kept"})
    fields = {"type": "object", "properties": {"value": {"type": "string"}}, "secret_fields": ["value"]}
    schema = call("POST", "/block_schemas/", {"block_type_id": kind["id"], "fields": fields})
    document = {"name": "pat", "data": {"value": TOKEN}, "block_type_id": kind["id"], "block_schema_id": schema["id"]}
    call("POST", "/block_documents/", document)
    inputs = {"repository": house.git.url(), "branch": "{{ prefect.variables.branch }}", "access_token": "{{ prefect.blocks.kept.pat }}"}
    steps = [{"prefect.deployments.steps.git_clone": inputs}, {"run_shell_script": {"script": "echo {{ prefect.blocks.kept.pat }}"}}]
    ended = house.ended(house.api.deploy("flows.py:greet", Path(), pull_steps=steps))
    assert ended["state_name"] == "Completed", ended["state"]
    assert not [line for line in house.api.logs(ended["id"]) if TOKEN in line]
