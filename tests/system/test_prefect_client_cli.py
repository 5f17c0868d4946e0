"""The commands of a real Prefect client against our server: what they print, and what the API holds afterwards."""

from __future__ import annotations

import json
import uuid

import pytest

from support.prefect_client import PrefectClient

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # the first one makes the client's environment


@pytest.fixture(scope="module")
def deployment(client: PrefectClient) -> str:
    """The id of the deployment greet/d, made over HTTP."""
    flow = client.post("/flows/", name="greet")
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    body = {"name": "d", "flow_id": flow["id"], "parameters": {"name": "you"}, "parameter_openapi_schema": schema, "entrypoint": "f.py:f"}
    return client.post("/deployments/", **body)["id"]


def test_server_commands(client: PrefectClient) -> None:
    """The client finds our server healthy and of its own version."""
    assert json.loads(client.cli("api", "GET", "/health").splitlines()[-1]) is True
    assert "3.9.1" in client.cli("api", "GET", "/admin/version")


def test_work_pool_commands(client: PrefectClient) -> None:
    """Pools are made with the template for their type, listed, paused, limited, inspected and deleted."""
    assert "Created work pool 'p1'" in client.cli("work-pool", "create", "p1", "--type", "process")
    template = client.get("/work_pools/p1")["base_job_template"]
    assert template["job_configuration"]["command"] == "{{ command }}"
    assert "p1" in client.cli("work-pool", "ls")
    client.cli("work-pool", "set-concurrency-limit", "p1", "2")
    assert client.get("/work_pools/p1")["concurrency_limit"] == 2
    client.cli("work-pool", "clear-concurrency-limit", "p1")
    assert client.get("/work_pools/p1")["concurrency_limit"] is None
    client.cli("work-pool", "update", "p1", "--description", "machines")
    client.cli("work-pool", "pause", "p1")
    paused = client.get("/work_pools/p1")
    assert (paused["status"], paused["description"]) == ("PAUSED", "machines")
    client.cli("work-pool", "resume", "p1")
    assert "machines" in client.cli("work-pool", "inspect", "p1")
    client.cli("work-pool", "preview", "p1")
    client.cli("work-pool", "create", "p2", "--type", "docker")
    client.cli("--no-prompt", "work-pool", "delete", "p2")
    assert client.api.get("/work_pools/p2").status_code == 404


def test_work_queue_commands(client: PrefectClient) -> None:
    """Queues are made in their pool, limited, paused, inspected and deleted."""
    client.cli("work-pool", "create", "p3", "--type", "process")
    client.cli("work-queue", "create", "fastlane", "--pool", "p3", "--limit", "1", "--priority", "3")
    queue = client.get("/work_pools/p3/queues/fastlane")
    assert (queue["concurrency_limit"], queue["priority"]) == (1, 3)
    assert "fastlane" in client.cli("work-queue", "ls", "--pool", "p3")
    client.cli("work-queue", "pause", "fastlane", "--pool", "p3")
    assert client.get("/work_pools/p3/queues/fastlane")["status"] == "PAUSED"
    client.cli("work-queue", "resume", "fastlane", "--pool", "p3")
    client.cli("work-queue", "set-concurrency-limit", "fastlane", "5", "--pool", "p3")
    assert client.get("/work_pools/p3/queues/fastlane")["concurrency_limit"] == 5
    assert "fastlane" in client.cli("work-queue", "inspect", "fastlane", "--pool", "p3")
    client.cli("work-queue", "preview", "fastlane", "--pool", "p3")
    client.cli("--no-prompt", "work-queue", "delete", "fastlane", "--pool", "p3")
    assert client.api.get("/work_pools/p3/queues/fastlane").status_code == 404


def test_deployment_commands(client: PrefectClient, deployment: str) -> None:
    """Deployments are listed and inspected, run, given schedules, paused and deleted."""
    assert "greet/d" in client.cli("deployment", "ls")
    assert '"entrypoint": "f.py:f"' in client.cli("deployment", "inspect", "greet/d", "-o", "json")
    client.cli("deployment", "schedule", "create", "greet/d", "--interval", "3600")
    client.cli("deployment", "schedule", "create", "greet/d", "--cron", "5 * * * *", "--timezone", "UTC")
    schedules = client.get(f"/deployments/{deployment}/schedules")
    assert {next(key for key in ("interval", "cron") if key in entry["schedule"]) for entry in schedules} == {"interval", "cron"}
    client.cli("deployment", "schedule", "create", "greet/d", "--cron", "6 * * * *", "--timezone", "UTC", "--replace", "--accept-yes")
    (only,) = client.get(f"/deployments/{deployment}/schedules")
    assert only["schedule"] == {"cron": "6 * * * *", "timezone": "UTC", "day_or": True}
    client.cli("deployment", "schedule", "pause", "greet/d", only["id"])
    assert client.get(f"/deployments/{deployment}/schedules")[0]["active"] is False
    assert "6 * * * *" in client.cli("deployment", "schedule", "ls", "greet/d")
    client.cli("deployment", "schedule", "clear", "greet/d", "-y")
    assert client.get(f"/deployments/{deployment}/schedules") == []


def test_flow_run_commands(client: PrefectClient, deployment: str) -> None:
    """Runs are made with parameters and tags, listed by state, inspected, cancelled, retried, their logs shown, and deleted."""
    printed = client.cli("deployment", "run", "greet/d", "--param", "name=them", "--tag", "asked")
    assert "Created flow run" in printed
    (run,) = client.flow_runs("greet")
    assert (run["parameters"], run["tags"]) == ({"name": "them"}, ["asked"])
    assert run["id"] in client.cli("flow-run", "ls", "--state", "SCHEDULED", "--limit", "2")
    assert run["name"] in client.cli("flow-run", "ls", "--flow-name", "greet", "-o", "json")
    assert run["id"] in client.cli("flow-run", "inspect", run["id"])
    line = {"name": "prefect.flow_runs", "level": 20, "message": "a line", "timestamp": "2026-01-01T00:00:00Z", "flow_run_id": run["id"]}
    client.api.post("/logs/", json=[line])
    assert "a line" in client.cli("flow-run", "logs", run["id"])
    client.cli("flow-run", "cancel", run["id"])
    assert client.get(f"/flow_runs/{run['id']}")["state_name"] == "Cancelled"
    client.cli("flow-run", "retry", run["id"])
    assert client.get(f"/flow_runs/{run['id']}")["state_type"] == "SCHEDULED"
    assert "greet" in client.cli("flow", "ls")
    client.cli("task-run", "ls")
    client.cli("--no-prompt", "flow-run", "delete", run["id"])
    assert client.flow_runs("greet") == []


def test_variable_commands(client: PrefectClient) -> None:
    """Variables are set, read, listed and unset."""
    client.cli("variable", "set", "colour", "blue")
    assert "blue" in client.cli("variable", "get", "colour")
    assert "colour" in client.cli("variable", "ls")
    assert "blue" in client.cli("variable", "inspect", "colour")
    client.cli("variable", "set", "colour", "red", "--overwrite")
    assert client.get("/variables/name/colour")["value"] == "red"
    client.cli("--no-prompt", "variable", "unset", "colour")
    assert client.api.get("/variables/name/colour").status_code == 404


def test_concurrency_limit_commands(client: PrefectClient) -> None:
    """Limits by tag and global limits are made, listed, inspected, changed and deleted."""
    client.cli("concurrency-limit", "create", "small", "2")
    assert "small" in client.cli("concurrency-limit", "ls")
    assert "small" in client.cli("concurrency-limit", "inspect", "small")
    assert client.get("/v2/concurrency_limits/tag:small")["limit"] == 2
    client.cli("concurrency-limit", "reset", "small")
    client.cli("concurrency-limit", "delete", "small")
    assert client.api.get("/concurrency_limits/tag/small").status_code == 404
    client.cli("global-concurrency-limit", "create", "g", "--limit", "2")
    assert "g" in client.cli("global-concurrency-limit", "ls")
    client.cli("global-concurrency-limit", "update", "g", "--limit", "3")
    assert client.get("/v2/concurrency_limits/g")["limit"] == 3
    assert "3" in client.cli("global-concurrency-limit", "inspect", "g")
    client.cli("global-concurrency-limit", "disable", "g")
    assert client.get("/v2/concurrency_limits/g")["active"] is False
    client.cli("--no-prompt", "global-concurrency-limit", "delete", "g")
    assert client.api.get("/v2/concurrency_limits/g").status_code == 404


def test_block_commands(client: PrefectClient) -> None:
    """Block types that every server knows are listed; a registered one is found, its documents shown and deleted."""
    assert "secret" in client.cli("block", "type", "ls")
    client.run("from prefect.blocks.system import Secret; Secret(value='hush').save('whisper')")
    assert "secret/whisper" in client.cli("block", "ls")
    shown = client.cli("block", "inspect", "secret/whisper")
    assert "********" in shown
    assert "hush" not in shown
    client.cli("--no-prompt", "block", "delete", "secret/whisper")
    assert client.api.get("/block_types/slug/secret/block_documents/name/whisper").status_code == 404


def test_automation_commands(client: PrefectClient, deployment: str) -> None:
    """Automations are made from a file, listed, inspected, paused, resumed and deleted."""
    automation = {
        "name": "when-it-fails",
        "trigger": {"posture": "Reactive", "expect": ["prefect.flow-run.Failed"], "threshold": 1, "within": 0},
        "actions": [{"type": "run-deployment", "source": "selected", "deployment_id": deployment}],
    }
    (client.folder / "automation.json").write_text(json.dumps(automation))
    client.cli("automation", "create", "--from-file", "automation.json")
    assert "when-it-fails" in client.cli("automation", "ls")
    assert "prefect.flow-run.Failed" in client.cli("automation", "inspect", "when-it-fails")
    client.cli("automation", "pause", "when-it-fails")
    (stored,) = client.post("/automations/filter")
    assert stored["enabled"] is False
    client.cli("automation", "resume", "when-it-fails")
    assert [found["id"] for found in client.get(f"/automations/related-to/prefect.deployment.{deployment}")] == [stored["id"]]
    client.cli("--no-prompt", "automation", "delete", "when-it-fails")
    assert client.post("/automations/filter") == []


def test_artifact_and_event_commands(client: PrefectClient) -> None:
    """Artifacts are listed and inspected by key; an event emitted by the command is stored."""
    client.post("/artifacts/", key="report", type="markdown", data="# all is well")
    assert "report" in client.cli("artifact", "ls")
    assert "all is well" in client.cli("artifact", "inspect", "report")
    client.cli("event", "emit", "something.happened", "--resource-id", "my.thing")
    wanted = {"event": {"name": ["something.happened"]}}
    events = client.until(lambda: client.post("/events/filter", filter=wanted)["events"], "the event is stored")
    assert events[0]["resource"]["prefect.resource.id"] == "my.thing"


def test_event_stream_shows_events_as_they_happen(client: PrefectClient) -> None:
    """`event stream` is given an event that is emitted after it has connected."""
    with client.running("prefect", "event", "stream", "--format", "json"):

        def shown() -> bool:
            event = {
                "id": str(uuid.uuid4()),
                "event": "bell.rang",
                "resource": {"prefect.resource.id": "bell"},
                "occurred": "2026-01-01T00:00:00Z",
            }
            client.api.post("/events", json=[event])
            return "bell.rang" in client.printed()

        client.until(shown, "the stream shows an event")


def test_deleting_a_deployment(client: PrefectClient, deployment: str) -> None:
    """A deleted deployment is gone, and its runs that have not begun with it."""
    run = client.post(f"/deployments/{deployment}/create_flow_run")
    client.cli("--no-prompt", "deployment", "delete", "greet/d")
    assert client.api.get(f"/deployments/{deployment}").status_code == 404
    assert client.api.get(f"/flow_runs/{run['id']}").status_code == 404
