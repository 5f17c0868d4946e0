"""What clients of 2.x and of the first 3.x ask for and later ones do not (contract 11), against a real server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.rest import Rest, fresh


@pytest.fixture
def block(rest: Rest) -> str:
    """The id of a block that notifications may go to."""
    kind = rest.made("/block_types/", name=fresh("Notes"), slug=fresh("notes"))
    schema = rest.made(
        "/block_schemas/", block_type_id=kind["id"], fields={"title": kind["name"], "type": "object"}, capabilities=["notify"]
    )
    return rest.made("/block_documents/", name=fresh("notes"), data={}, block_schema_id=schema["id"], block_type_id=kind["id"])["id"]


def policy(rest: Rest, block: str, **fields: Any) -> dict[str, Any]:
    """A policy of its own."""
    return rest.made("/flow_run_notification_policies/", **{"state_names": [], "tags": [], "block_document_id": block, **fields})


def test_a_notification_policy_is_an_automation(rest: Rest, block: str) -> None:
    """Told as the one it is, and as the automation that carries it out."""
    message = "{flow_run_name} {{literally}} is {flow_run_state_name}"
    made = policy(rest, block, state_names=["Failed", "Crashed"], tags=["prod"], message_template=message)
    told = {name: made[name] for name in ("is_active", "state_names", "tags", "block_document_id", "message_template")}
    assert told == {
        "is_active": True,
        "state_names": ["Failed", "Crashed"],
        "tags": ["prod"],
        "block_document_id": block,
        "message_template": message,
    }
    automation = rest.read(f"/automations/{made['id']}")
    assert automation["trigger"]["expect"] == ["prefect.flow-run.Failed", "prefect.flow-run.Crashed"]
    assert automation["trigger"]["match_related"]["prefect.resource.id"] == ["prefect.tag.prod"]
    body = automation["actions"][0]["body"]
    assert body == "{{ flow_run.name }} {{ '{' }}literally} is {{ flow_run.state.name }}"


def test_policies_are_found_changed_and_deleted(rest: Rest, block: str) -> None:
    """As a client of 2.x does it."""
    on, off = policy(rest, block), policy(rest, block, is_active=False, state_names=["Failed"])
    wanted = {"is_active": {"eq_": False}}
    found = rest.made("/flow_run_notification_policies/filter", flow_run_notification_policy_filter=wanted)
    assert [one["id"] for one in found] == [off["id"]]
    assert rest.patch(f"/flow_run_notification_policies/{off['id']}", is_active=True, tags=["a", "b"]).status_code == 204
    changed = rest.read(f"/flow_run_notification_policies/{off['id']}")
    assert (changed["is_active"], changed["tags"], changed["state_names"]) == (True, ["a", "b"], ["Failed"])
    for one in (on, off):
        assert rest.delete(f"/flow_run_notification_policies/{one['id']}").status_code == 204
        assert rest.get(f"/flow_run_notification_policies/{one['id']}").status_code == 404


def test_a_message_that_names_what_there_is_not(rest: Rest, block: str) -> None:
    """Refused with what there is; so is one that cannot be read."""
    for message in ("{flow_run_colour}", "{flow_run_name", "{}"):
        body = {"state_names": [], "tags": [], "block_document_id": block, "message_template": message}
        answer = rest.post("/flow_run_notification_policies/", body)
        assert (answer.status_code, "message_template" in answer.text) == (422, True), message


def test_an_automation_of_another_kind_is_no_policy(rest: Rest) -> None:
    """404, and it is not listed."""
    trigger = {"type": "event", "posture": "Reactive", "expect": ["x"]}
    other = rest.made("/automations/", name="other", trigger=trigger, actions=[{"type": "do-nothing"}])
    assert rest.get(f"/flow_run_notification_policies/{other['id']}").status_code == 404
    assert rest.delete(f"/flow_run_notification_policies/{other['id']}").status_code == 404


def test_a_schedule_without_catch_up_says_nothing_of_it(rest: Rest) -> None:
    """2.x knows a field of that name that may not be null."""
    deployment = rest.deployment(schedules=[{"schedule": {"interval": 3600}, "active": True}])
    assert "catchup" not in deployment["schedules"][0]


def test_states_with_an_id_and_a_time(rest: Rest) -> None:
    """A client of 2.x may give both with a state that it proposes; one of 3.x may not."""
    run = rest.run()
    state = {"type": "PENDING", "id": "0194c2a0-0000-7000-8000-000000000001", "timestamp": datetime.now(UTC).isoformat()}
    answers = [
        rest.http.post(f"/flow_runs/{run['id']}/set_state", json={"state": state}, headers={"User-Agent": f"prefect/{version} (API 0.8.4)"})
        for version in ("3.9.1", "2.20.26")
    ]
    assert [answer.status_code for answer in answers] == [422, 201]
    assert answers[1].json()["status"] == "ACCEPT"
    assert answers[1].json()["state"]["id"] != state["id"]


def test_the_counts_of_the_dashboard(rest: Rest) -> None:
    """Completed and failed task runs, in twenty spans up to now."""
    run = rest.run()
    for state in ("COMPLETED", "COMPLETED", "FAILED", "RUNNING"):
        rest.made("/task_runs/", flow_run_id=run["id"], task_key="t", dynamic_key=fresh("k"), state={"type": state})
    after = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    wanted = {"start_time": {"after_": after}, "flow_run_id": {"any_": [run["id"]]}}
    counts = rest.made("/ui/task_runs/dashboard/counts", task_runs=wanted)
    assert len(counts) == 20
    assert {name: sum(one[name] for one in counts) for name in ("completed", "failed")} == {"completed": 2, "failed": 1}
    assert rest.post("/ui/task_runs/dashboard/counts", task_runs={}).status_code == 422


@pytest.mark.parametrize(("release", "known"), [("3.2.15", False), ("3.4.25", True), ("3.9.1", True)])
def test_a_pool_has_no_fields_that_a_client_would_refuse(rest: Rest, release: str, known: bool) -> None:
    """Those of 3.2 refuse a pool with a block for results, named or null; what is set they are told nevertheless."""
    older = Rest(rest.url, headers={"User-Agent": f"prefect/{release} (API 0.8.4)"})
    with older.http:
        pool = older.pool()
        found = older.made("/work_pools/filter", work_pools={"name": {"any_": [pool["name"]]}})
        answers = [pool, older.read(f"/work_pools/{pool['name']}"), *found]
    assert [("default_result_storage_block_id" in answer["storage_configuration"]) for answer in answers] == [known] * 3
