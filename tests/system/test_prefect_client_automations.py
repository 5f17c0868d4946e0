"""Triggers, events and automations of a real Prefect client against our server."""

from __future__ import annotations

import json

import pytest

from support.prefect_client import PrefectClient

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # the first one makes the client's environment

SERVED = """
from prefect import flow, serve
from prefect.events import DeploymentCompoundTrigger, DeploymentEventTrigger, EventTrigger

@flow(log_prints=True)
def paid(n: int = 0, of: str = ""):
    print(f"paid {n} of {of}")

if __name__ == "__main__":
    one = DeploymentEventTrigger(
        expect={"order.paid"},
        match={"prefect.resource.id": "shop.*"},
        parameters={"n": "{{ event.payload.n }}", "of": "the {{ event.resource.id }}"},
    )
    both = DeploymentCompoundTrigger(
        name="both", require="all", within=60, triggers=[EventTrigger(expect={"a"}), EventTrigger(expect={"b"})],
    )
    serve(paid.to_deployment("paid", triggers=[one, both]))
"""

EMITTING = """
from prefect.events import emit_event
emit_event("order.paid", resource={"prefect.resource.id": "bank.1"}, payload={"n": 1})
emit_event("order.paid", resource={"prefect.resource.id": "shop.1"}, payload={"n": 2})
"""

AUTOMATION = """
from prefect.automations import Automation
from prefect.events.actions import DoNothing, RunDeployment
from prefect.events.schemas.automations import EventTrigger, Posture

made = Automation(
    name="by-hand",
    trigger=EventTrigger(expect={"x"}, match={"prefect.resource.id": "y"}, posture=Posture.Reactive, threshold=2, within=30),
    actions=[DoNothing()],
).create()
again = Automation.read(name="by-hand")
assert again.id == made.id and again.trigger == made.trigger, (again, made)
again.trigger.threshold = 3
again.update()
again.disable()
found = Automation.read(id=made.id)
assert found.trigger.threshold == 3 and found.enabled is False, found
print("deleted", found.delete())
"""


def test_an_event_of_prefects_runs_its_deployment(client: PrefectClient) -> None:
    """Served with triggers, an event emitted by a program: the run has the event's values, is executed, and says who made it."""
    (client.folder / "served.py").write_text(SERVED)
    with client.running("python", "served.py"):
        client.until(lambda: client.post("/automations/count") == 2, "the triggers are known")
        deployment = client.get("/deployments/name/paid/paid")
        owned = client.get(f"/automations/related-to/prefect.deployment.{deployment['id']}")
        assert [automation["name"] for automation in owned] == ["both", "paid__automation_1"]
        client.run(EMITTING)
        (run,) = client.until(lambda: client.flow_runs("paid"), "the deployment is run")
        ended = client.until_state(run["id"], "Completed")
        assert (ended["parameters"], ended["created_by"]["type"]) == ({"n": 2, "of": "the shop.1"}, "AUTOMATION")
        for name in ("a", "b"):
            client.cli("event", "emit", name, "--resource-id", "z")
        runs = client.until(lambda: len(client.flow_runs("paid")) == 2 and client.flow_runs("paid"), "the compound trigger fires")
        client.until_state(next(other["id"] for other in runs if other["id"] != run["id"]), "Completed")


def test_an_automation_of_prefects_reads_back_equal(client: PrefectClient) -> None:
    """Created, read, changed, switched off and deleted by its own class."""
    assert "deleted True" in client.run(AUTOMATION)


def test_prefects_commands_know_our_automations(client: PrefectClient) -> None:
    """Listed, inspected, paused, resumed and deleted by its command line."""
    trigger = {"type": "event", "posture": "Reactive", "expect": ["never"]}
    made = client.post("/automations/", name="ours", trigger=trigger, actions=[{"type": "do-nothing"}])
    assert "ours" in client.cli("automation", "ls")
    assert [one["id"] for one in json.loads(client.cli("automation", "inspect", "ours", "--json"))] == [made["id"]]
    client.cli("automation", "pause", "ours")
    assert not client.get(f"/automations/{made['id']}")["enabled"]
    client.cli("automation", "resume", "ours")
    client.cli("automation", "delete", "ours")
    assert client.api.get(f"/automations/{made['id']}").status_code == 404
