"""The commands of a real Prefect client that are given seldom: what they print, and what the API holds afterwards."""

from __future__ import annotations

import json

import pytest

from support.prefect_client import PrefectClient

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # the first one makes the client's environment

BLOCKS = """
from prefect.blocks.core import Block
from pydantic import SecretStr

class Vault(Block):
    door: str
    code: SecretStr
"""


FLOWS = """
from prefect import flow, task

@task
def double(n):
    print("doubling", n)
    return 2 * n

@flow(log_prints=True)
def alone(n: int = 1):
    print("twice is", double(n))
"""


@pytest.fixture(scope="module")
def pool(client: PrefectClient) -> str:
    """The name of a pool with a limit, in which a run holds a slot."""
    client.cli("work-pool", "create", "slotted", "--type", "process")
    client.cli("work-pool", "set-concurrency-limit", "slotted", "3")
    flow = client.post("/flows/", name="held")
    client.post("/deployments/", name="d", flow_id=flow["id"], work_pool_name="slotted", entrypoint="f.py:f")
    for state in ("PENDING", None):
        client.cli("deployment", "run", "held/d")
        if state:
            client.post(f"/flow_runs/{client.flow_runs('held')[0]['id']}/set_state", state={"type": state})
    return "slotted"


def test_slots_of_pools_and_queues(client: PrefectClient, pool: str) -> None:
    """How many there are, how many are held, and by whom."""
    shown = json.loads(client.cli("work-pool", "slots", pool, "-o", "json"))
    assert (shown["concurrency_limit"], shown["active_slots"]) == (3, 1)
    queue = json.loads(client.cli("work-queue", "slots", "default", "--pool", pool, "-o", "json"))
    holder = client.post("/flow_runs/filter", flow_runs={"state": {"type": {"any_": ["PENDING"]}}})[0]
    assert [run["id"] for run in queue["flow_runs"]] == [holder["id"]]
    client.cli("work-queue", "set-concurrency-limit", "default", "2", "--pool", pool)
    client.cli("work-queue", "clear-concurrency-limit", "default", "--pool", pool)
    assert client.get(f"/work_pools/{pool}/queues/default")["concurrency_limit"] is None
    assert "Read" in client.cli("work-queue", "read-runs", "default", "--pool", pool)


def test_templates_and_storage_of_pools(client: PrefectClient, pool: str) -> None:
    """The template of a type of pool, and where a pool keeps code."""
    template = json.loads(client.cli("work-pool", "get-default-base-job-template", "--type", "process"))
    assert template == client.get(f"/work_pools/{pool}")["base_job_template"]
    client.cli("work-pool", "storage", "inspect", pool)
    assert client.get(f"/work_pools/{pool}")["storage_configuration"]["bundle_upload_step"] is None


@pytest.mark.parametrize(
    ("kind", "place", "credentials", "step"),
    [
        ("s3", "--bucket", "aws-credentials", "prefect_aws.experimental.bundles.upload"),
        ("gcs", "--bucket", "gcp-credentials", "prefect_gcp.experimental.bundles.upload"),
        ("azure-blob-storage", "--container", "azure-blob-storage-credentials", "prefect_azure.experimental.bundles.upload"),
    ],
    ids=["s3", "gcs", "azure"],
)
def test_a_pools_storage_is_configured(client: PrefectClient, pool: str, kind: str, place: str, credentials: str, step: str) -> None:
    """With a block of credentials, which must be there; the pool holds the steps, and a block for results is made."""
    command = ["work-pool", "storage", "configure", kind, pool, place, "stuff", f"--{credentials}-block-name", "keys"]
    assert "does not exist" in client.cli(*command, fails=True)
    block_type = client.get(f"/block_types/slug/{credentials}")["id"]
    schema = client.post("/block_schemas/filter", block_schemas={"block_type_id": {"any_": [block_type]}})[0]["id"]
    client.post("/block_documents/", name="keys", block_type_id=block_type, block_schema_id=schema, data={})
    assert f"for work pool {pool!r}" in client.cli(*command)
    held = client.get(f"/work_pools/{pool}")["storage_configuration"]
    assert held["bundle_upload_step"][step][place.removeprefix("--")] == "stuff"
    assert client.get(f"/block_documents/{held['default_result_storage_block_id']}")["data"]
    assert "stuff" in client.cli("work-pool", "storage", "inspect", pool)


def test_nothing_is_provisioned_for_our_types_of_pools(client: PrefectClient, pool: str) -> None:
    """They are not push pools, and the types that are cannot be made here."""
    client.cli("work-pool", "create", "boxes", "--type", "docker")
    for name in (pool, "boxes"):
        words = client.cli("work-pool", "provision-infrastructure", name, fails=True)
        assert f"Work pool {name!r} is not a push pool type." in words
    assert "Please choose from docker, kubernetes, process." in client.cli("work-pool", "create", "e", "--type", "ecs:push", fails=True)
    assert "does not exist" in client.cli("work-pool", "provision-infrastructure", "nowhere", fails=True)


def test_a_run_is_executed_by_its_id(client: PrefectClient) -> None:
    """`flow-run execute` loads its code and brings it to its end, here; it and its task are shown by the commands."""
    (client.folder / "alone.py").write_text(FLOWS)
    flow = client.post("/flows/", name="alone")
    deployment = {"name": "d", "flow_id": flow["id"], "entrypoint": "alone.py:alone", "path": str(client.folder), "parameters": {"n": 21}}
    made = client.api.post("/deployments/", json=deployment).json()
    run = client.post(f"/deployments/{made['id']}/create_flow_run")
    client.cli("flow-run", "execute", run["id"])
    assert [name for name in client.states(run["id"]) if name != "Late"] == ["Scheduled", "Running", "Completed"]
    client.until(lambda: "twice is 42" in client.cli("flow-run", "logs", run["id"]), "what it printed is in its log")
    (task,) = client.until(lambda: client.task_runs(run["id"]), "its task is stored")
    assert "double" in client.cli("task-run", "inspect", task["id"])
    assert "doubling 21" in client.cli("task-run", "logs", task["id"])


def test_commands_that_read_the_server(client: PrefectClient, pool: str) -> None:
    """Whether it is there, and a typed module for its deployments."""
    assert "Server is available." in client.cli("server", "status")
    client.cli("sdk", "generate", "--output", "generated.py")
    assert "held/d" in (client.folder / "generated.py").read_text()


def test_schedules_are_resumed_and_deleted(client: PrefectClient, pool: str) -> None:
    """One after the other, by their ids."""
    deployment = client.get("/deployments/name/held/d")
    client.cli("deployment", "schedule", "create", "held/d", "--interval", "3600")
    (schedule,) = client.get(f"/deployments/{deployment['id']}/schedules")
    client.cli("deployment", "schedule", "pause", "held/d", schedule["id"])
    client.cli("deployment", "schedule", "resume", "held/d", schedule["id"])
    assert client.get(f"/deployments/{deployment['id']}/schedules")[0]["active"] is True
    client.cli("deployment", "schedule", "delete", "held/d", schedule["id"], "-y")
    assert client.get(f"/deployments/{deployment['id']}/schedules") == []


def test_block_types_are_registered_inspected_and_deleted(client: PrefectClient) -> None:
    """From a file, with the schema that the server computes the same checksum of."""
    (client.folder / "vault.py").write_text(BLOCKS)
    assert "vault" in client.cli("block", "register", "--file", "vault.py").lower()
    assert "vault" in client.cli("block", "type", "inspect", "vault")
    kind = client.get("/block_types/slug/vault")
    (schema,) = client.post("/block_schemas/filter", block_schemas={"block_type_id": {"any_": [kind["id"]]}})
    assert schema["fields"]["secret_fields"] == ["code"]
    client.cli("--no-prompt", "block", "type", "delete", "vault")
    assert client.api.get("/block_types/slug/vault").status_code == 404


def test_a_block_is_created_in_a_browser(client: PrefectClient) -> None:
    """The command only says where, for a type that the server has, and names those that it has else."""
    assert "/blocks/catalog/secret/create" in client.cli("block", "create", "secret")
    words = client.cli("block", "create", "nonsense", fails=True)
    assert "Block type 'nonsense' not found!" in words
    assert "local-file-system" in words


def test_automations_are_updated(client: PrefectClient) -> None:
    """All of one is replaced, its id stays."""
    automation = {
        "name": "first",
        "trigger": {"type": "event", "posture": "Reactive", "expect": ["a.b"], "threshold": 1, "within": 0},
        "actions": [{"type": "do-nothing"}],
    }
    client.cli("automation", "create", "--from-json", json.dumps(automation))
    (stored,) = client.post("/automations/filter")
    client.cli("automation", "update", "--id", stored["id"], "--from-json", json.dumps({**automation, "name": "second"}))
    (changed,) = client.post("/automations/filter")
    assert (changed["id"], changed["name"]) == (stored["id"], "second")
    for word, enabled in (("disable", False), ("enable", True)):
        client.cli("automation", word, "second")
        assert client.get(f"/automations/{stored['id']}")["enabled"] is enabled


def test_limits_and_artifacts(client: PrefectClient) -> None:
    """A limit that was switched off is switched on again; an artifact is deleted by its key and by its id."""
    client.cli("global-concurrency-limit", "create", "again", "--limit", "2", "--disable")
    client.cli("global-concurrency-limit", "enable", "again")
    assert client.get("/v2/concurrency_limits/again")["active"] is True
    for words in (["gone"], ["--id"]):
        made = client.post("/artifacts/", key="gone", type="markdown", data="x")
        client.cli("--no-prompt", "artifact", "delete", *words, *([made["id"]] if words == ["--id"] else []))
        assert client.api.get("/artifacts/gone/latest").status_code == 404


def test_a_run_is_watched_to_its_end(client: PrefectClient, pool: str) -> None:
    """One that has ended is shown, and the command ends too."""
    run = client.flow_runs("held")[0]["id"]
    for state in ("RUNNING", "COMPLETED"):
        client.post(f"/flow_runs/{run}/set_state", state={"type": state}, force=True)
    assert "Completed" in client.cli("flow-run", "watch", run)
