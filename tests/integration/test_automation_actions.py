"""Automations on a running server: what comes of events over the API, and calls to somebody outside."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flowhand.blocks import SlackWebhook, String, Webhook
from flowhand.clock import to_iso
from flowhand.ids import new_id
from support.rest import Rest, fresh
from support.scripted_api import Say, ScriptedApi, scripted_api
from support.server import RunningServer, running_server, start_server


@pytest.fixture
def rest(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> Rest:
    monkeypatch.setenv("FLOWHAND_API_URL", server.url)
    monkeypatch.setenv("FLOWHAND_HOME", str(server.home))
    return Rest(server.url)


@pytest.fixture
def receiver() -> Iterator[ScriptedApi]:
    """Somebody outside, who takes what comes, and says no to `/no`."""
    with scripted_api(lambda asked: Say(500, {"why": "broken"}) if asked.path.endswith("/no") else Say(200, {})) as receiver:
        yield receiver


def emit(rest: Rest, name: str, resource: str = "shop.1", **payload: Any) -> None:
    event = {"id": new_id(), "occurred": to_iso(time.time_ns() // 1000), "event": name, "resource": {"prefect.resource.id": resource}}
    assert rest.post("/events", [{**event, "payload": payload}]).status_code == 204


def automation(rest: Rest, name: str, *actions: dict[str, Any], **trigger: Any) -> str:
    body = {"type": "event", "posture": "Reactive", "expect": [name], **trigger}
    return rest.made("/automations/", name=fresh("automation"), trigger=body, actions=list(actions))["id"]


def outcome(rest: Rest, automation_id: str, what: str) -> dict[str, Any]:
    wanted = {"event": {"name": [f"prefect.automation.action.{what}"]}, "resource": {"id": [f"prefect.automation.{automation_id}"]}}
    found = rest.until(lambda: rest.made("/events/filter", filter=wanted)["events"], f"an action was {what}")
    return found[0]["payload"]


def saved(block: Any) -> str:
    return str(block.save(fresh("block")))


def test_a_webhook_is_called(rest: Rest, receiver: ScriptedApi) -> None:
    """With the block's method and headers, and the payload filled in; what it answered is told."""
    hook = saved(Webhook(url=f"{receiver.url}/hook?key=s3cret", method="PATCH", headers={"X-Token": "t0ken"}))
    made = automation(rest, "paid", {"type": "call-webhook", "block_document_id": hook, "payload": '{"sum": {{ event.payload.sum }}}'})
    emit(rest, "paid", sum=12)
    assert outcome(rest, made, "executed")["status_code"] == 200
    (asked,) = receiver.asked
    assert (asked.method, asked.path, asked.body) == ("PATCH", "/api/hook?key=s3cret", {"sum": 12})
    assert (asked.headers["x-token"], asked.headers["content-type"]) == ("t0ken", "application/json")
    assert asked.headers["host"] == f"127.0.0.1:{receiver.port}"


def test_a_notification_is_sent(rest: Rest, receiver: ScriptedApi) -> None:
    """Subject and body, filled in, as Slack wants it."""
    slack = saved(SlackWebhook(url=f"{receiver.url}/services/T/B/x"))
    body = "Run {{ flow_run.name }} of {{ flow.name }}: {{ event.event }}"
    made = automation(rest, "told", {"type": "send-notification", "block_document_id": slack, "subject": "Look", "body": body})
    run = rest.run()
    flow = rest.read(f"/flows/{run['flow_id']}")
    event = {"id": new_id(), "occurred": to_iso(time.time_ns() // 1000), "event": "told", "resource": {"prefect.resource.id": "x"}}
    related = [
        {"prefect.resource.id": f"prefect.flow-run.{run['id']}", "prefect.resource.role": "flow-run"},
        {"prefect.resource.id": f"prefect.flow.{flow['id']}", "prefect.resource.role": "flow"},
    ]
    rest.post("/events", [{**event, "related": related}])
    outcome(rest, made, "executed")
    assert receiver.asked[0].body == {"text": f"*Look*\nRun {run['name']} of {flow['name']}: told"}


@pytest.mark.parametrize(
    ("url", "fields", "reason"),
    [
        ("{receiver}/no", {}, "'127.0.0.1' answered 500:"),
        ("http://127.0.0.1:9/secret", {}, "'127.0.0.1' did not answer: ConnectError"),
        ("http://169.254.169.254/latest/meta-data", {}, "which is never called"),
        ("{receiver}/hook", {"allow_private_urls": False}, "a private address, and the block does not allow those"),
        ("file:///etc/passwd", {}, "neither http:// nor https://"),
        ("http://no-such-host.invalid/secret", {}, "'no-such-host.invalid' cannot be resolved"),
    ],
)
def test_a_call_that_fails_is_told_without_its_url(
    rest: Rest, server: RunningServer, receiver: ScriptedApi, url: str, fields: dict[str, Any], reason: str
) -> None:
    """In an event and in the log; the address's path and the headers are secrets."""
    hook = saved(Webhook(url=url.format(receiver=receiver.url), headers={"X-Token": "t0ken"}, **fields))
    made = automation(rest, "bad", {"type": "call-webhook", "block_document_id": hook, "payload": "{}"})
    emit(rest, "bad")
    failed = outcome(rest, made, "failed")
    assert reason in failed["reason"]
    rest.delete(f"/automations/{made}")
    assert not any(secret in server.log + str(failed) for secret in ("t0ken", "/secret", "meta-data", "passwd"))


def test_a_block_that_cannot_be_called_is_told(rest: Rest) -> None:
    """With what can; a block that is gone as well."""
    text = saved(String(value="x"))
    made = automation(rest, "odd", {"type": "call-webhook", "block_document_id": text})
    gone = automation(rest, "odd", {"type": "call-webhook", "block_document_id": new_id()})
    emit(rest, "odd")
    assert "a block of type 'string' cannot be called" in outcome(rest, made, "failed")["reason"]
    assert outcome(rest, gone, "failed")["reason"] == "Block document not found"


def test_a_redirect_is_not_followed(rest: Rest) -> None:
    """It could lead to where the server may not go."""
    with scripted_api(lambda _: Say(302, headers={"Location": "http://169.254.169.254/"})) as receiver:
        hook = saved(Webhook(url=f"{receiver.url}/away"))
        made = automation(rest, "away", {"type": "call-webhook", "block_document_id": hook})
        emit(rest, "away")
        assert "answered 302" in outcome(rest, made, "failed")["reason"]
        assert len(receiver.asked) == 1


@pytest.mark.parametrize(
    "action",
    [
        {"type": "run-deployment", "source": "selected", "deployment_id": new_id(), "parameters": {"x": ["{{ 'a' * 9 }}"]}},
        {"type": "send-notification", "block_document_id": new_id(), "body": "{{ unclosed"},
        {"type": "call-webhook", "block_document_id": new_id(), "payload": "{% include 'x' %}"},
    ],
)
def test_a_template_that_cannot_be_used_is_refused(rest: Rest, action: dict[str, Any]) -> None:
    """Before the automation is stored, with the field that it is in."""
    trigger = {"type": "event", "posture": "Reactive", "expect": ["x"]}
    answer = rest.post("/automations/", name="bad", trigger=trigger, actions=[action])
    assert answer.status_code == 422
    assert "actions.0." in answer.text
    assert "is not a template that can be used" in answer.text


def test_an_event_is_reacted_to_soon(rest: Rest) -> None:
    """Well within the second; the benchmark holds the true figure."""
    deployment = rest.deployment()
    automation(rest, "soon", {"type": "run-deployment", "source": "selected", "deployment_id": deployment["id"]})
    emit(rest, "soon")
    query = {"deployments": {"id": {"any_": [deployment["id"]]}}}
    rest.until(lambda: rest.made("/flow_runs/filter", **query), "the deployment was run", 1.0)


def test_a_run_that_fails_runs_another_deployment(rest: Rest) -> None:
    """The events of runs' states set automations off, with what the run belongs to."""
    watched, other = rest.deployment(), rest.deployment()
    related = {"prefect.resource.role": "deployment", "prefect.resource.id": f"prefect.deployment.{watched['id']}"}
    action = {"type": "run-deployment", "source": "selected", "deployment_id": other["id"], "parameters": {"of": "{{ flow_run.id }}"}}
    automation(rest, "prefect.flow-run.Failed", action, match_related=related)
    run = rest.run(watched)
    for kind in ("PENDING", "RUNNING", "FAILED"):
        rest.set_state(run, kind)
    query = {"deployments": {"id": {"any_": [other["id"]]}}}
    (made,) = rest.until(lambda: rest.made("/flow_runs/filter", **query), "the other deployment was run")
    assert made["parameters"] == {"of": run["id"]}


def test_a_server_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    """One of two events before the kill, one after: the automation acts once, and what was counted is not lost."""
    first = start_server(tmp_path / "home")
    rest = Rest(first.url)
    deployment = rest.deployment()
    automation(rest, "twice", {"type": "run-deployment", "source": "selected", "deployment_id": deployment["id"]}, threshold=2, within=300)
    emit(rest, "twice")
    first.kill()
    with running_server(tmp_path / "home") as second:
        rest = Rest(second.url)
        emit(rest, "twice")
        query = {"deployments": {"id": {"any_": [deployment["id"]]}}}
        assert len(rest.until(lambda: rest.made("/flow_runs/filter", **query), "the deployment was run")) == 1


def test_silence_is_noticed_in_time(rest: Rest, receiver: ScriptedApi) -> None:
    """A proactive trigger that begins with an event fires when its time is over, not at the next look around."""
    hook = saved(Webhook(url=f"{receiver.url}/silence"))
    begun = time.monotonic()
    made = automation(
        rest,
        "never",
        {"type": "call-webhook", "block_document_id": hook},
        posture="Proactive",
        after=["begun"],
        within=10,
        for_each=["prefect.resource.id"],
    )
    event = {"id": new_id(), "occurred": to_iso(time.time_ns() // 1000 - 8_000_000), "event": "begun"}
    rest.post("/events", [{**event, "resource": {"prefect.resource.id": "shop.9"}}])  # eight of the ten seconds are over
    assert outcome(rest, made, "executed")["status_code"] == 200
    assert 2 <= time.monotonic() - begun < 15
