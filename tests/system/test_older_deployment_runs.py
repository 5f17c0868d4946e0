"""Runs of older deployments on a real worker of the agents' pool: code from a storage block, executed as the infrastructure block says."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flowhand.deployments import Deployment
from flowhand.filesystems import LocalFileSystem
from flowhand.infrastructure import KubernetesJob, Process
from support.server import running_server
from support.worker import Api, running_worker

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
FLOWS = """
import os
from pathlib import Path
from flowhand import flow

@flow(log_prints=True)
def older():
    print({name: os.environ.get(name) for name in ("FROM_BLOCK", "BOTH", "DOTTED")}, "in", Path.cwd().name)
"""


@dataclass
class House:
    """A server and a worker that was started before there was a pool."""

    api: Api

    def ended(self, **fields: Any) -> tuple[dict[str, Any], str]:
        """The end of a run of a new deployment, and its log."""
        deployment = Deployment(**{"name": "d", "flow_name": "older", "entrypoint": "flows.py:older", **fields})
        run = self.api.ended(self.api.run(deployment.apply()))
        return run, "\n".join(self.api.logs(run["id"]))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Generator[House]:
    folder = tmp_path_factory.mktemp("house")
    with running_server(folder / "server") as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLOWHAND_API_URL", server.url)
        patch.setenv("FLOWHAND_HOME", str(folder / "author"))
        with running_worker(server, home=folder / "worker", pool="default-agent-pool", cwd=Path("/")):
            yield House(Api(server))


def test_a_process_block_says_how(house: House, tmp_path: Path) -> None:
    """Its environment and working directory, under the deployment's job variables, dotted keys among them; the code is at the path.

    What a block holds is no template: the worker's environment stays its own.
    """
    (tmp_path / "flows.py").write_text(FLOWS)
    run, log = house.ended(
        infrastructure=Process(env={"FROM_BLOCK": "{{ $HOME }}", "BOTH": "block"}),
        job_variables={"env": {"BOTH": "deployment"}, "env.DOTTED": "2"},
        path=str(tmp_path),
    )
    assert run["state_name"] == "Completed", (run["state"], log)
    assert str({"FROM_BLOCK": "{{ $HOME }}", "BOTH": "deployment", "DOTTED": "2"}) in log
    assert f"in {tmp_path.name}" in log
    assert run["work_pool_name"] == "default-agent-pool"


def test_a_process_block_has_a_command_and_a_working_directory(house: House, tmp_path: Path) -> None:
    """The command stands in the place of the flow's engine."""
    run, _ = house.ended(infrastructure=Process(command=["sh", "-c", "pwd > out"], working_dir=str(tmp_path)))
    assert (tmp_path / "out").read_text().strip() == str(tmp_path), run["state"]


def test_the_code_comes_from_the_storage_block(house: House, tmp_path: Path) -> None:
    """An unsaved one, to which the folder was uploaded, at the deployment's path in it; the run works in a folder of its own."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "flows.py").write_text(FLOWS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path / "code")
        deployment = Deployment(
            name="stored",
            flow_name="older",
            entrypoint="flows.py:older",
            storage=LocalFileSystem(basepath=str(tmp_path / "store")),
            path="versions/1",
        )
        deployment_id = deployment.apply(upload=True)
    assert (tmp_path / "store" / "versions" / "1" / "flows.py").exists()
    run = house.api.ended(house.api.run(deployment_id))
    assert run["state_name"] == "Completed", (run["state"], house.api.logs(run["id"]))


def test_what_this_worker_cannot_execute_is_refused_in_words(house: House) -> None:
    """The run's state names the block and what to do. A container is executed: tests/integration/test_docker_worker.py."""
    block = KubernetesJob(image="a:1")
    run, _ = house.ended(infrastructure=block, work_pool_name="default-agent-pool")
    assert run["state"]["type"] in ("CRASHED", "FAILED")
    assert f"executed by a {block.type} block" in run["state"]["message"]
    assert f"work pool of type {block.pool_type}" in run["state"]["message"]


def test_a_storage_block_that_is_gone_is_told(house: House, tmp_path: Path) -> None:
    """By the name of the deployment."""
    block = LocalFileSystem(basepath=str(tmp_path))
    block.save("gone-soon")
    deployment_id = Deployment(name="gone", flow_name="older", entrypoint="flows.py:older", storage=block).apply()
    LocalFileSystem.delete("gone-soon")
    run = house.api.ended(house.api.run(deployment_id))
    assert "deployment 'gone'" in run["state"]["message"]
