"""The steps that put a project into an object store, and the pull steps that fetch it from there."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec
import pytest

from flowhand.blocks.integrations import AzureBlobStorageCredentials
from flowhand_storage.checkouts import CheckoutStore
from flowhand_storage.steps.known import UPLOADS
from flowhand_storage.steps.progress import StepContext
from flowhand_storage.steps.run import run_steps
from support.cli import environment, flowhand
from support.server import RunningServer, running_server
from support.storage_azure import azure_settings
from support.storage_files import read_files
from support.storage_gcs import gcs_settings
from support.storage_s3 import KEY, SECRET, new_bucket, s3_settings
from support.worker import Api, running_worker

FLOWS = """
from flowhand import flow
from lib.part import NAME

@flow(log_prints=True)
def stored():
    print("the part is", NAME)
"""
FILE = """
push:
  - {push}:
      id: code
      {holder}: {name}
      folder: some/code
      ignore_file: .prefectignore{credentials}
pull:
  - {pull}:
      {holder}: "{{{{ code.{holder} }}}}"
      folder: "{{{{ code.folder }}}}"{credentials}
deployments:
  - name: {name}
    entrypoint: flows.py:stored
    work_pool:
      name: procs
"""
AZURE_CREDENTIALS = """
      credentials: "{{ prefect.blocks.azure-blob-storage-credentials.store }}\"\
"""


def test_a_project_goes_to_a_bucket_and_comes_back(tmp_path: Path) -> None:
    """Less what the ignore file names; the outputs name the place for the pull step."""
    bucket, settings = new_bucket(), s3_settings()
    project = tmp_path / "project"
    for name in ("flows.py", "lib/part.py", "data/big.bin"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(name)
    (project / ".prefectignore").write_text("data/\n")
    credentials = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET, "region_name": "eu-central-1"}
    client = {"endpoint_url": settings["endpoint_url"]}
    lines: list[str] = []
    context = StepContext(folder=project, store=CheckoutStore(tmp_path / "store"), log=lines.append, more=UPLOADS, kind="push")
    common: dict[str, Any] = {"credentials": credentials, "client_parameters": client}
    push = {"id": "code", "requires": "prefect-aws>=0.3.4", "bucket": bucket, "folder": "code", "ignore_file": ".prefectignore", **common}
    pull = {"bucket": "{{ code.bucket }}", "folder": "{{ code.folder }}", **common}
    progress = run_steps([{"prefect_aws.deployments.steps.push_to_s3": push}, {"pull_from_s3": pull}], context)
    names = {name.removeprefix(f"{bucket}/code/") for name in fsspec.filesystem("s3", **settings).find(f"{bucket}/code")}
    assert names == {"flows.py", "lib/part.py", ".prefectignore"}
    assert read_files(Path(progress.outputs["directory"])).keys() == names
    assert any("3 files went to s3://" in line for line in lines)
    assert SECRET not in str(lines)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("server")) as server:
        Api(server).pool("procs")
        yield server


@pytest.mark.parametrize(
    ("store", "push", "pull"),
    [
        ("gcs", "prefect_gcp.deployments.steps.push_to_gcs", "flowhand.deployments.steps.pull_from_gcs"),
        (
            "azure",
            "flowhand.deployments.steps.push_to_azure_blob_storage",
            "prefect_azure.deployments.steps.pull_from_azure_blob_storage",
        ),
    ],
)
def test_a_deployed_project_runs_from_a_cloud(
    server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: str, push: str, pull: str
) -> None:
    """`flowhand deploy` puts it there, by Prefect's names for the steps and by ours; a worker elsewhere fetches and runs it."""
    name, holder, credentials = f"c{uuid4().hex}", "bucket", ""
    if store == "gcs":
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs_settings()["endpoint_url"])
        files = fsspec.filesystem("gs", **gcs_settings())
    else:
        files, holder, credentials = fsspec.filesystem("az", **azure_settings()), "container", AZURE_CREDENTIALS
        monkeypatch.setenv("FLOWHAND_API_URL", server.url)
        AzureBlobStorageCredentials.model_validate(azure_settings()).save("store", overwrite=True)
    files.mkdir(name)
    project = tmp_path / "project"
    (project / "lib").mkdir(parents=True)
    (project / "flows.py").write_text(FLOWS)
    (project / "lib" / "part.py").write_text(f"NAME = {name!r}\n")
    (project / "secret.env").write_text("x\n")
    (project / ".prefectignore").write_text("*.env\n")
    (project / "prefect.yaml").write_text(FILE.format(push=push, pull=pull, holder=holder, name=name, credentials=credentials))
    done = flowhand("deploy", "--all", env=environment(tmp_path / "home", server.url), cwd=project)
    assert done.code == 0, done.err
    assert "files went to" in done.out
    there = {path.partition("some/code/")[2] for path in files.find(f"{name}/some/code")}
    assert there == {"flows.py", "lib/part.py", "prefect.yaml", ".prefectignore"}
    api = Api(server)
    run_id = api.run(api.call("GET", f"/deployments/name/stored/{name}")["id"])
    with running_worker(server, home=tmp_path / "worker", pool="procs"):
        run = api.ended(run_id)
    assert run["state_name"] == "Completed", (run["state"], api.logs(run_id))
    assert any(f"the part is {name}" in line for line in api.logs(run_id))
