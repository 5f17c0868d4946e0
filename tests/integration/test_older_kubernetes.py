"""Older deployments with a KubernetesJob block and no work pool, on a real server: a pool of type kubernetes, with the block's fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowhand.blocks.documents import data_of
from flowhand.deployments import Deployment, DeploymentApplyError, load_deployments_from_yaml
from flowhand.ids import new_id
from flowhand.infrastructure import KubernetesClusterConfig, KubernetesJob
from support.cli import environment, flowhand
from support.server import RunningServer, running_server
from support.worker import Api

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
POOL = "default-kubernetes-pool"
KUBECONFIG = {"users": [{"name": "me", "user": {"token": "t0p-secret"}}]}


@pytest.fixture
def api(server: RunningServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Api:
    monkeypatch.setenv("FLOWHAND_API_URL", server.url)
    monkeypatch.setenv("FLOWHAND_HOME", str(server.home))
    monkeypatch.chdir(tmp_path)
    return Api(server)


def made(**fields: Any) -> Deployment:
    return Deployment(**{"name": f"d-{new_id()}", "flow_name": "older", "entrypoint": "flows.py:older", "path": "/srv", **fields})


def read_back(deployment: Deployment) -> Deployment:
    found = Deployment(name=deployment.name, flow_name="older")
    assert found.load()
    return found


def test_the_block_is_the_pools_job_configuration(api: Api) -> None:
    """The pool is made with the template of its type; the deployment's own variables go over the block's fields, `env` key by key."""
    block = KubernetesJob(image="a:1", namespace="team", env={"A": "1", "B": "2"}, finished_job_ttl=60)
    deployment = made(infrastructure=block, job_variables={"env.B": "3", "namespace": "mine"}, work_queue_name="night")
    deployment_id = deployment.apply(work_queue_concurrency=2)
    held = api.call("GET", f"/deployments/{deployment_id}")
    assert (held["work_pool_name"], held["work_queue_name"], held["path"]) == (POOL, "night", "/srv")
    assert held["job_variables"] == {
        "command": "flowhand flow-run execute",
        "image": "a:1",
        "namespace": "mine",
        "env": {"A": "1", "B": "3"},
        "finished_job_ttl": 60,
        "pod_watch_timeout_seconds": 60,
        "stream_output": True,
    }
    pool = api.call("GET", f"/work_pools/{POOL}")
    assert pool["type"] == "kubernetes"
    assert pool["base_job_template"]["job_configuration"]["job_manifest"]["kind"] == "Job"
    assert api.call("GET", f"/work_pools/{POOL}/queues/night")["concurrency_limit"] == 2


def test_it_is_read_back_as_it_was_given(api: Api) -> None:
    """The pool is no field of it, and neither is what the block says; applied again, the server holds the same."""
    deployment = made(infrastructure=KubernetesJob(image="a:1", env={"A": "1"}, command=["run", "it"]), job_variables={"env": {"B": "2"}})
    before = api.call("GET", f"/deployments/{deployment.apply()}")
    found = read_back(deployment)
    assert (found.work_pool_name, found.job_variables) == (None, {"env": {"B": "2"}})
    assert data_of(found.infrastructure) == data_of(deployment.infrastructure)
    after = api.call("GET", f"/deployments/{found.apply()}")
    assert (after["job_variables"], after["work_pool_name"]) == (before["job_variables"], POOL)
    assert after["job_variables"]["command"] == "run it"


def test_a_file_brings_it_to_the_same_pool(api: Api, tmp_path: Path) -> None:
    """Written, read, and applied."""
    block = KubernetesJob(image="a:1", service_account_name="robot")
    deployment = made(infrastructure=block, job_variables={"image_pull_policy": "Always"})
    deployment.to_yaml(tmp_path / "older.yaml")
    (loaded,) = load_deployments_from_yaml("older.yaml").get_instances(Deployment)
    assert (loaded.infrastructure, loaded.job_variables) == (block, {"image_pull_policy": "Always"})
    held = api.call("GET", f"/deployments/{loaded.apply()}")
    assert held["work_pool_name"] == POOL
    assert {name: held["job_variables"][name] for name in ("image", "service_account_name", "image_pull_policy")} == {
        "image": "a:1",
        "service_account_name": "robot",
        "image_pull_policy": "Always",
    }


def test_the_clusters_secrets_stay_in_a_block(api: Api) -> None:
    """Saved or not, the job variables refer to it; your block is not changed."""
    cluster = KubernetesClusterConfig(config=KUBECONFIG, context_name="c")
    deployment = made(infrastructure=KubernetesJob(cluster_config=cluster))
    held = api.call("GET", f"/deployments/{deployment.apply()}")
    assert "t0p-secret" not in str(held)
    document = api.call("GET", f"/block_documents/{held['job_variables']['cluster_config']['$ref']['block_document_id']}")
    assert (document["block_type"]["slug"], document["is_anonymous"]) == ("kubernetes-cluster-config", True)
    assert not cluster.is_anonymous
    found = read_back(deployment)
    assert found.job_variables == {}
    assert data_of(found.infrastructure.cluster_config)["config"] == KUBECONFIG
    saved = cluster.save(f"c-{new_id()}")
    held = api.call("GET", f"/deployments/{made(infrastructure=KubernetesJob(cluster_config=cluster)).apply()}")
    assert held["job_variables"]["cluster_config"] == {"$ref": {"block_document_id": saved}}


def test_a_pool_of_another_type_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything of the deployment is made."""
    with running_server(tmp_path / "server") as server:
        monkeypatch.setenv("FLOWHAND_API_URL", server.url)
        api = Api(server)
        api.call("POST", "/work_pools/", {"name": POOL, "type": "process"})
        with pytest.raises(DeploymentApplyError, match=f"work pool '{POOL}'.*is of type 'process': give the deployment a work_pool_name"):
            made(infrastructure=KubernetesJob()).apply()
        assert api.call("POST", "/deployments/filter", {}) == []


def test_a_worker_of_ours_says_that_it_cannot_execute_it(api: Api, tmp_path: Path) -> None:
    """And makes no pool that it would refuse."""
    made(infrastructure=KubernetesJob()).apply()
    for arguments in (("--pool", POOL), ("--pool", "fresh", "--type", "kubernetes")):
        done = flowhand("worker", "start", *arguments, env=environment(tmp_path / "home", api.server.url))
        assert done.code == 2
        assert "of type 'kubernetes', which this worker does not execute" in done.err
        assert f"prefect worker start --pool {arguments[1]}" in done.err
    assert [pool["name"] for pool in api.call("POST", "/work_pools/filter", {}) if pool["type"] == "kubernetes"] == [POOL]
