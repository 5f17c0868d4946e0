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
