"""An older deployment of flowhand, read by a real Prefect client: the deployment, its pool, and the job its worker would start."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.prefect_client import PrefectClient
from support.server import running_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # the first one makes the client's environment

AUTHOR = """
from flowhand.deployments import Deployment
from flowhand.infrastructure import KubernetesClusterConfig, KubernetesJob

cluster = KubernetesClusterConfig(config={"token": "t0p-secret"}, context_name="c")
block = KubernetesJob(image="a:1", namespace="team", env={"A": "1", "B": "2"}, cluster_config=cluster)
Deployment(name="older", flow_name="etl", infrastructure=block, job_variables={"env": {"B": "3"}, "namespace": "mine"}).apply()
"""
READER = """
import asyncio, json
from prefect.client.orchestration import get_client
from prefect.workers.base import BaseJobConfiguration

class Job(BaseJobConfiguration):
    namespace: str
    cluster_config: dict
    job_manifest: dict

async def main():
    async with get_client() as client:
        deployment = await client.read_deployment_by_name("etl/older")
        pool = await client.read_work_pool(deployment.work_pool_name)
        block = await client.read_block_document(deployment.infrastructure_document_id)
        job = await Job.from_template_and_values(pool.base_job_template, deployment.job_variables, client=client)
        container = job.job_manifest["spec"]["template"]["spec"]["containers"][0]
        print(json.dumps({
            "pool": [pool.name, pool.type],
            "block": [block.block_type.slug, block.data["image"]],
            "job": [job.namespace, job.command, job.env, job.cluster_config, container["image"]],
        }))

asyncio.run(main())
"""


def test_a_kubernetes_job_is_one_for_a_prefect_worker(tmp_path: Path) -> None:
    """Its worker fills in the pool's template: the block's fields, the deployment's variables over them, the cluster out of its block."""
    with running_server(tmp_path / "server") as server:
        client = PrefectClient(server.url, tmp_path / "client")
        env = {**client.environ, "FLOWHAND_API_URL": server.url, "FLOWHAND_HOME": str(tmp_path / "author")}
        for name, text, python in (("author", AUTHOR, sys.executable), ("reader", READER, "python")):
            (tmp_path / f"{name}.py").write_text(text)
            done = subprocess.run([python, f"{name}.py"], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=200, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
        client.close()
    assert json.loads(done.stdout) == {
        "pool": ["default-kubernetes-pool", "kubernetes"],
        "block": ["kubernetes-job", "a:1"],
        "job": ["mine", "flowhand flow-run execute", {"A": "1", "B": "3"}, {"config": {"token": "t0p-secret"}, "context_name": "c"}, "a:1"],
    }
