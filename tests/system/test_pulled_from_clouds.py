"""Code in object stores: pulled by a real worker over each store's own protocol, with the credentials of a saved block."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import pytest

from flowhand.blocks.block import Block
from flowhand.blocks.integrations import AwsClientParameters, AwsCredentials, AzureBlobStorageCredentials, GcpCredentials
from support.google_tokens import service_account
from support.server import running_server
from support.storage_azure import KEY as AZURE_KEY
from support.storage_azure import azure_settings
from support.storage_gcs import gcs_settings
from support.storage_s3 import KEY, SECRET, s3_settings
from support.worker import Api, RunningWorker, running_worker

FLOW = "import os\nfrom flowhand import flow\nfrom part import PART\n@flow(log_prints=True)\ndef pulled(): print('pulled', PART)\n"


@dataclass
class House:
    """A server, a worker, and a service account for Google's storage."""

    api: Api
    worker: RunningWorker
    account: dict[str, Any]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Generator[House]:
    folder = tmp_path_factory.mktemp("house")
    google = {"STORAGE_EMULATOR_HOST": gcs_settings()["endpoint_url"], "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"}
    with running_server(folder / "server") as server, service_account() as account, pytest.MonkeyPatch.context() as patch:
        api = Api(server)
        api.pool("pool")
        for name, value in {"FLOWHAND_API_URL": server.url, "FLOWHAND_HOME": str(folder / "author")}.items():
            patch.setenv(name, value)
        with running_worker(server, home=folder / "worker", cwd=Path("/"), environ=google) as worker:
            yield House(api, worker, account)


@dataclass
class Cloud:
    """A folder with a flow in it, the block that opens it, the step that pulls it, and the secret that nobody may see."""

    block: Block
    step: str
    inputs: dict[str, Any]
    secret: str


def put(scheme: str, bucket: str, settings: dict[str, Any]) -> None:
    """The flow and a module of its own, in the folder `jobs`."""
    filesystem = fsspec.filesystem(scheme, **settings)
    filesystem.mkdir(bucket)
    filesystem.pipe(f"{bucket}/jobs/flows.py", FLOW.encode())
    filesystem.pipe(f"{bucket}/jobs/part/__init__.py", f"PART = {scheme!r}\n".encode())


def s3(house: House, bucket: str) -> Cloud:
    settings = s3_settings()
    put("s3", bucket, settings)
    client = AwsClientParameters(endpoint_url=settings["endpoint_url"])
    block = AwsCredentials(
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,  # pyright: ignore[reportArgumentType] - coerced
        region_name="eu-central-1",
        aws_client_parameters=client,
    )
    return Cloud(block, "prefect_aws.deployments.steps.pull_from_s3", {"bucket": bucket}, SECRET)


def gs(house: House, bucket: str) -> Cloud:
    put("gs", bucket, gcs_settings())
    block = GcpCredentials(service_account_info=house.account)  # pyright: ignore[reportArgumentType] - coerced
    return Cloud(block, "prefect_gcp.deployments.steps.pull_from_gcs", {"bucket": bucket}, house.account["private_key"].splitlines()[3])


def az(house: House, bucket: str) -> Cloud:
    settings = azure_settings()
    put("az", bucket, settings)
    block = AzureBlobStorageCredentials(**settings)
    return Cloud(block, "prefect_azure.deployments.steps.pull_from_azure_blob_storage", {"container": bucket}, AZURE_KEY)


@pytest.mark.parametrize("cloud", [s3, gs, az])
def test_a_run_pulls_its_code(house: House, cloud: Any) -> None:
    """By Prefect's name of the step, the credentials from a block; the secret is in no log and no state, also when our step fails."""
    scheme = cloud.__name__
    made: Cloud = cloud(house, f"code-for-{scheme}-runs")
    made.block.save(f"open-{scheme}")
    credentials = f"{{{{ prefect.blocks.{made.block.get_block_type_slug()}.open-{scheme} }}}}"
    inputs = {**made.inputs, "folder": "jobs", "credentials": credentials, "requires": "prefect-x>=0.1"}
    ended = house.api.ended(house.api.run(house.api.deploy("flows.py:pulled", Path(), pull_steps=[{made.step: inputs}])))
    logs = house.api.logs(ended["id"])
    assert ended["state_name"] == "Completed", (ended["state"], logs)
    assert f"pulled {scheme}" in logs
    steps = [{made.step.rpartition(".")[2]: {**inputs, "folder": "nowhere"}}]
    failed = house.api.ended(house.api.run(house.api.deploy("flows.py:pulled", Path(), pull_steps=steps)))
    assert failed["state_name"] == "Failed"
    assert "nowhere" in failed["state"]["message"]
    told = [ended, logs, failed, house.api.logs(failed["id"]), house.worker.log]
    assert made.secret not in json.dumps(told)
