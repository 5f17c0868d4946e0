"""Answers that Prefect's server gives to calls of which its documents say little, given by ours as well.

`test_beside_prefects_server_nouns.py` finds them by asking both; here they are kept on both databases.
"""

from __future__ import annotations

from typing import Any

import pytest

from support.rest import Rest, fresh

NOBODY = "00000000-0000-0000-0000-000000000000"
TEMPLATE = {"job_configuration": {"image": "{{ image }}"}, "variables": {"type": "object", "properties": {"image": {"type": "string"}}}}
TRIGGER = {"type": "event", "posture": "Reactive", "expect": ["x"]}


def _order(rest: Rest, pool: dict[str, Any]) -> list[tuple[str, int]]:
    return [(queue["name"], queue["priority"]) for queue in rest.made(f"/work_pools/{pool['name']}/queues/filter")]


def test_queues_make_way_for_one_another(rest: Rest) -> None:
    """A queue gets the priority it asks for; those in its way move back, as few as needed; null leaves it where it is."""
    pool = rest.pool()
    queues = f"/work_pools/{pool['name']}/queues"
    rest.made(queues, name="late", priority=9)
    rest.made(queues, name="first", priority=1)
    assert _order(rest, pool) == [("first", 1), ("default", 2), ("late", 9)]
    rest.made(queues, name="next")
    rest.patch(f"{queues}/late", priority=2)
    assert _order(rest, pool) == [("first", 1), ("late", 2), ("default", 3), ("next", 4)]
    assert rest.patch(f"{queues}/late", priority=None).status_code == 204
    assert _order(rest, pool)[1] == ("late", 2)


def test_applying_again_keeps_the_pool_and_nothing_of_the_parameters(rest: Rest) -> None:
    """A deployment stays with its pool and queue unless others are named, or none by null; parameters, labels and schedules are anew."""
    pool, flow = rest.pool(), rest.flow(labels={"of": "flow"})
    held = rest.deployment(flow, name="d", work_pool_name=pool["name"], work_queue_name="q", parameters={"x": 1}, labels={"l": 1})
    again = rest.deployment(flow, name="d")
    assert (again["id"], again["work_pool_name"], again["work_queue_name"]) == (held["id"], pool["name"], "q")
    assert (again["parameters"], again["labels"]) == ({}, {"of": "flow", "prefect.flow.id": flow["id"]})
    assert rest.deployment(flow, name="d", work_pool_name=None)["work_queue_id"] is None


def test_what_a_new_deployment_does_not_mention(rest: Rest) -> None:
    """It has an empty schema and no steps; null stays null."""
    made, told = rest.deployment(), rest.deployment(parameter_openapi_schema=None, pull_steps=None)
    assert (made["parameter_openapi_schema"], made["pull_steps"]) == ({}, [])
    assert (told["parameter_openapi_schema"], told["pull_steps"]) == (None, None)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"parameters": {"n": "x"}}, 422),
        ({"parameters": {}}, 201),
        ({"parameter_openapi_schema": {"type": "nonsense"}}, 422),
        ({"concurrency_limit": 2, "global_concurrency_limit_id": NOBODY}, 422),
        ({"storage_document_id": NOBODY}, 409),
        ({"infrastructure_document_id": NOBODY}, 409),
        ({"schedules": [{"schedule": {"cron": "0 1 * * *"}, "slug": "s"}, {"schedule": {"cron": "0 2 * * *"}, "slug": "s"}]}, 409),
    ],
)
def test_deployments_that_do_not_hold_together(rest: Rest, fields: dict[str, Any], status: int) -> None:
    """Parameters beside their schema, limits, blocks and slugs; required parameters are the run's to give."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    body = {"name": "d", "flow_id": rest.flow()["id"], "enforce_parameter_schema": True, "parameter_openapi_schema": schema}
    assert rest.post("/deployments/", body | fields).status_code == status


def test_a_span_of_time_is_planned_at_once(rest: Rest) -> None:
    """From its start to its end, no more than asked for, and no more than it takes to have three and to reach an hour; each once."""
    schedule = {"schedule": {"interval": 1800, "anchor_date": "2099-01-01T00:00:00Z"}, "slug": "half", "parameters": {"x": 1}}
    deployment = rest.deployment(paused=True, schedules=[schedule])
    of_it = {"deployments": {"id": {"any_": [deployment["id"]]}}, "sort": "EXPECTED_START_TIME_ASC"}

    def planned(**span: Any) -> list[str]:
        rest.made(f"/deployments/{deployment['id']}/schedule", **span)
        found = rest.made("/flow_runs/filter", of_it)
        assert all(run["auto_scheduled"] and run["parameters"] == {"x": 1} for run in found)
        return [run["expected_start_time"][:16] for run in found]

    first = ["2099-01-01T00:30", "2099-01-01T01:00", "2099-01-01T01:30"]
    for _ in range(2):
        assert planned(start_time="2099-01-01T00:10:00Z", end_time="2099-01-02T00:00:00Z") == first
    assert planned(start_time="2099-02-01T00:00:00Z", min_runs=1, min_time=0) == [*first, "2099-02-01T00:00"]
    assert planned(start_time="2099-03-01T00:00:00Z", min_runs=9, max_runs=1)[4:] == ["2099-03-01T00:00"]
    assert planned(start_time="2099-04-01T00:00:00Z", end_time="2099-04-01T00:30:00Z")[5:] == ["2099-04-01T00:00", "2099-04-01T00:30"]


def test_runs_that_are_due_whenever(rest: Rest) -> None:
    """Without a bound all runs that wait are due, of a deployment and of a queue."""
    deployment = rest.deployment(work_pool_name=rest.pool()["name"])
    run = rest.run(deployment, state={"type": "SCHEDULED", "state_details": {"scheduled_time": "2099-01-01T00:00:00Z"}})
    of_deployment = rest.made("/deployments/get_scheduled_flow_runs", deployment_ids=[deployment["id"]])
    of_queue = rest.made(f"/work_queues/{deployment['work_queue_id']}/get_runs")
    assert [one["id"] for one in (*of_deployment, *of_queue)] == [run["id"]] * 2


def test_variables_are_checked_with_the_pool(rest: Rest) -> None:
    """A change of job variables is compared with the pool that is named beside them, and with none otherwise."""
    pool = rest.pool(base_job_template=TEMPLATE)
    path = f"/deployments/{rest.deployment(work_pool_name=pool['name'])['id']}"
    assert rest.patch(path, job_variables={"image": 3}).status_code == 204
    assert rest.patch(path, job_variables={"image": 3}, work_pool_name=pool["name"]).status_code == 409


@pytest.mark.parametrize(
    "template",
    [{"job_configuration": {}}, {"variables": {}}, {"job_configuration": {"a": "{{ gone }}"}, "variables": {"type": "object"}}, {"x": 1}],
)
def test_job_templates_declare_what_they_use(rest: Rest, template: dict[str, Any]) -> None:
    """422 for one that does not, made or changed."""
    assert rest.post("/work_pools/", name=fresh("pool"), base_job_template=template).status_code == 422
    assert rest.patch(f"/work_pools/{rest.pool()['name']}", base_job_template=template).status_code == 422
    assert rest.pool(base_job_template=TEMPLATE)["base_job_template"] == TEMPLATE


def test_pools_of_agents_have_no_status(rest: Rest) -> None:
    """An agent tells nothing of itself."""
    assert (rest.pool(type="prefect-agent")["status"], rest.pool()["status"]) == (None, "NOT_READY")


def test_a_worker_may_keep_its_interval_to_itself(rest: Rest) -> None:
    """It is online, its pool is ready, and its interval is null."""
    pool = f"/work_pools/{rest.pool()['name']}"
    rest.post(f"{pool}/workers/heartbeat", name="silent")
    (worker,) = rest.made(f"{pool}/workers/filter")
    assert (worker["heartbeat_interval_seconds"], worker["status"]) == (None, "ONLINE")
    assert rest.read(pool)["status"] == "READY"


@pytest.mark.parametrize("path", ["/work_pools/filter", "/deployments/filter", "/variables/count", "/logs/filter"])
def test_a_search_without_a_body(rest: Rest, path: str) -> None:
    """Looks for everything."""
    assert rest.http.post(path).json() == rest.made(path)


def test_protected_blocks(rest: Rest) -> None:
    """The types that every server has cannot be removed, nor their schemas; names that begin like theirs are reserved."""
    secret = rest.read("/block_types/slug/secret")
    assert secret["is_protected"]
    assert rest.delete(f"/block_types/{secret['id']}").status_code == 403
    (schema, *_) = rest.made("/block_schemas/filter", block_schemas={"block_type_id": {"any_": [secret["id"]]}})
    assert rest.delete(f"/block_schemas/{schema['id']}").status_code == 403
    assert rest.post("/block_types/", name="Prefect own", slug="own").status_code == 403


def test_names_of_blocks(rest: Rest) -> None:
    """Slugs and names of documents are lower-case letters, digits and dashes; anonymous documents are not listed with their type."""
    assert rest.post("/block_types/", name=fresh("Type"), slug="Bad Slug").status_code == 422
    kind = rest.made("/block_types/", name=fresh("Type"), slug=fresh("type"))
    schema = rest.made("/block_schemas/", fields={}, block_type_id=kind["id"])
    of_it = {"block_type_id": kind["id"], "block_schema_id": schema["id"], "data": {}}
    assert [rest.post("/block_documents/", of_it | {"name": name}).status_code for name in ("Bad Name", "a_b", None, "a-1")] == [
        422
    ] * 3 + [201]
    rest.made("/block_documents/", of_it | {"is_anonymous": True})
    assert [document["name"] for document in rest.read(f"/block_types/slug/{kind['slug']}/block_documents")] == ["a-1"]
    assert rest.post("/block_schemas/", fields={}, block_type_id=NOBODY).status_code == 404


def test_a_changed_artifact_is_the_key_changed_last(rest: Rest) -> None:
    """Of the newest artifacts of two keys the one that was changed comes first."""
    older, newer = (rest.made("/artifacts/", key=fresh("artifact"), type="progress", data=0) for _ in range(2))
    assert rest.patch(f"/artifacts/{older['id']}", data=1).status_code == 204
    keys = {"key": {"any_": [older["key"], newer["key"]]}}
    found = rest.made("/artifacts/latest/filter", artifacts=keys, sort="UPDATED_DESC")
    assert [one["key"] for one in found] == [older["key"], newer["key"]]


def test_names_of_variables(rest: Rest) -> None:
    """Lower-case letters, digits, dashes and underscores, in any order."""
    names = ("-a", "_a", "a-1_b", "A", "a b", "")
    assert [rest.post("/variables/", name=name, value=1).status_code for name in names] == [201, 201, 201, 422, 422, 422]


def test_pages_of_none(rest: Rest) -> None:
    """A page of no rows tells how many there are, and that they make no pages."""
    page = rest.made("/deployments/paginate", limit=0)
    assert (page["results"], page["limit"], page["pages"]) == ([], 0, 0)


def test_changing_an_automation_keeps_what_is_not_said(rest: Rest) -> None:
    """Description, tags and whether it is on; its actions tell what it is related to."""
    runs = {"type": "run-deployment", "deployment_id": rest.deployment()["id"]}
    body = {"name": fresh("automation"), "trigger": TRIGGER, "actions": [runs]}
    made = rest.made("/automations/", body | {"description": "D", "tags": ["t"], "enabled": False})
    path = f"/automations/{made['id']}"
    assert rest.http.put(path, json=body | {"actions": [{"type": "do-nothing"}], "actions_on_resolve": [runs]}).status_code == 204
    kept = rest.read(path)
    assert (kept["description"], kept["tags"], kept["enabled"]) == ("D", ["t"], False)
    related = rest.read(f"/automations/related-to/prefect.deployment.{runs['deployment_id']}")
    assert [one["id"] for one in related] == [made["id"]]


def test_triggers_and_actions_in_their_shorter_forms(rest: Rest) -> None:
    """Without a type, without a span of time, with an object to send."""
    event = {"posture": "Proactive", "within": 0}
    body: dict[str, Any] = {
        "name": fresh("automation"),
        "actions": [{"type": "call-webhook", "block_document_id": NOBODY, "payload": {"a": 1}}],
    }
    made = rest.made("/automations/", body | {"trigger": event})
    assert (made["trigger"]["type"], made["trigger"]["within"], made["actions"][0]["payload"]) == ("event", 10, '{"a": 1}')
    nested = rest.made(
        "/automations/", body | {"trigger": {"require": "all", "within": 5, "triggers": [{"within": 5, "triggers": [event]}]}}
    )
    assert (nested["trigger"]["type"], nested["trigger"]["triggers"][0]["type"]) == ("compound", "sequence")
    wrong = rest.post("/automations/", body | {"trigger": event, "actions": [{**body["actions"][0], "payload": "{{ x"}]})
    assert (wrong.status_code, wrong.json()["exception_message"]) == (422, "Invalid request received.")


def test_what_is_wrong_is_shown(rest: Rest) -> None:
    """Beside where it is and why: what was sent there."""
    (detail,) = rest.post("/work_pools/filter", limit="many").json()["exception_detail"]
    assert (detail["loc"], detail["input"]) == (["body", "limit"], "many")
    assert rest.http.post("/flows/", content=b"\xff", headers={"Content-Type": "text/plain"}).status_code == 422
