"""Deployments and their schedules over the REST contract (contract 2.1, 5, 10), against a real server."""

from __future__ import annotations

from typing import Any

import pytest

from support.rest import Rest, fresh

NOBODY = "11111111-1111-4111-8111-111111111111"
EVERY_HOUR = {"schedule": {"interval": 3600}}


def _planned(rest: Rest, deployment: dict[str, Any]) -> list[dict[str, Any]]:
    query = {"deployments": {"id": {"any_": [deployment["id"]]}}, "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
    return [run for run in rest.made("/flow_runs/filter", **query) if run["auto_scheduled"]]


def test_posting_again_changes_and_says_200(rest: Rest) -> None:
    """201 for a new deployment, 200 with the same id for a known one; its schedules become those of the body."""
    flow = rest.flow()
    body = {"name": "d", "flow_id": flow["id"], "schedules": [EVERY_HOUR, {"schedule": {"cron": "0 9 * * *"}, "slug": "morning"}]}
    first = rest.post("/deployments/", **body, tags=["a"], description="one")
    again = rest.post("/deployments/", **(body | {"schedules": [EVERY_HOUR]}), description="two")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert [len(answer.json()["schedules"]) for answer in (first, again)] == [2, 1]
    assert (again.json()["description"], again.json()["tags"]) == ("two", ["a"])
    assert rest.read(f"/deployments/name/{flow['name']}/d")["id"] == first.json()["id"]


def test_what_a_deployment_refers_to_must_be_there(rest: Rest) -> None:
    """409 for an unknown flow, 404 for an unknown pool, 422 for job variables that the pool does not know."""
    flow = rest.flow()
    schema = {"type": "object", "properties": {"image": {"type": "string"}}, "required": ["image"]}
    pool = rest.pool(base_job_template={"job_configuration": {"image": "{{ image }}"}, "variables": schema})
    body = {"name": fresh("d"), "flow_id": flow["id"]}
    assert rest.post("/deployments/", **(body | {"flow_id": NOBODY})).status_code == 409
    assert rest.post("/deployments/", **body, work_pool_name="nowhere").status_code == 404
    assert rest.post("/deployments/", **body, work_pool_name=pool["name"], job_variables={"image": 5}).status_code == 422
    deployment = rest.made("/deployments/", **body, work_pool_name=pool["name"])
    refused = rest.post(f"/deployments/{deployment['id']}/create_flow_run")
    assert refused.status_code == 422
    assert "'image' is a required property" in refused.json()["detail"]
    assert rest.post(f"/deployments/{deployment['id']}/create_flow_run", job_variables={"image": "x"}).status_code == 201


def test_queues_come_with_deployments(rest: Rest) -> None:
    """A deployment's queue is made with the next free priority; without one the pool's default queue is meant."""
    pool = rest.pool()
    urgent = rest.deployment(work_pool_name=pool["name"], work_queue_name="urgent")
    plain = rest.deployment(work_pool_name=pool["name"])
    assert rest.read(f"/work_pools/{pool['name']}/queues/urgent")["priority"] == 2
    assert (urgent["work_queue_name"], plain["work_queue_name"], plain["work_pool_name"]) == ("urgent", "default", pool["name"])
    assert plain["work_queue_id"] == pool["default_queue_id"]


def test_patch_keeps_absent_keys_and_clears_nulls(rest: Rest) -> None:
    """An absent key stays, an explicit null clears; 204; an unknown deployment is 404."""
    pool = rest.pool()
    deployment = rest.deployment(work_pool_name=pool["name"], description="words", concurrency_limit=3, version="1")
    assert deployment["concurrency_limit"] is None
    assert deployment["global_concurrency_limit"]["limit"] == 3
    assert rest.patch(f"/deployments/{deployment['id']}", description=None, concurrency_limit=None).status_code == 204
    cleared = rest.read(f"/deployments/{deployment['id']}")
    assert (cleared["description"], cleared["global_concurrency_limit"]) == (None, None)
    assert (cleared["version"], cleared["work_pool_name"]) == ("1", pool["name"])
    rest.patch(f"/deployments/{deployment['id']}", work_pool_name=None)
    assert rest.read(f"/deployments/{deployment['id']}")["work_pool_name"] is None
    assert rest.patch(f"/deployments/{NOBODY}", paused=True).status_code == 404


def test_patched_parameters_must_fit(rest: Rest) -> None:
    """Parameters that do not fit the schema are 409; missing ones may come with the run."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    deployment = rest.deployment(parameter_openapi_schema=schema)
    assert rest.patch(f"/deployments/{deployment['id']}", parameters={"n": "x"}).status_code == 409
    assert rest.patch(f"/deployments/{deployment['id']}", parameters={}).status_code == 204
    assert rest.patch(f"/deployments/{deployment['id']}", parameters={"n": "x"}, enforce_parameter_schema=False).status_code == 204


def test_schedules_with_slugs_are_changed_one_by_one(rest: Rest) -> None:
    """With slugs everywhere a PATCH changes the named ones and adds new ones; one without a slug is refused."""
    deployment = rest.deployment(schedules=[EVERY_HOUR | {"slug": "a"}, {"schedule": {"cron": "0 9 * * *"}, "slug": "b"}])
    path = f"/deployments/{deployment['id']}"
    rest.patch(path, schedules=[{"slug": "a", "active": False}, {"slug": "c", "schedule": {"rrule": "FREQ=DAILY"}}])
    found = {entry["slug"]: entry for entry in rest.read(f"{path}/schedules")}
    assert sorted(found) == ["a", "b", "c"]
    assert (found["a"]["active"], found["a"]["schedule"]["interval"]) == (False, 3600)
    rest.patch(path, schedules=[{"slug": "d", "replaces": "b"}])
    assert {entry["slug"] for entry in rest.read(f"{path}/schedules")} == {"a", "c", "d"}
    assert rest.patch(path, schedules=[EVERY_HOUR]).status_code == 422


@pytest.mark.parametrize(
    "schedule",
    [
        {"interval": 0},
        {"cron": "not cron"},
        {"cron": "@reboot"},
        {"cron": "H 5 * * *"},
        {"rrule": "FREQ=SOMETIMES"},
        {"cron": "* * * * *", "timezone": "Mars/Olympus"},
        {"interval": 60, "cron": "* * * * *"},
        {"interval": 60, "surprise": 1},
        {},
    ],
)
def test_wrong_schedules_are_refused(rest: Rest, schedule: dict[str, Any]) -> None:
    """A schedule that can never be right is 422."""
    answer = rest.post("/deployments/", name=fresh("d"), flow_id=rest.flow()["id"], schedules=[{"schedule": schedule}])
    assert answer.status_code == 422


def test_an_interval_fills_in_its_defaults(rest: Rest) -> None:
    """Seconds as a number, an anchor and a zone are always there."""
    (entry,) = rest.deployment(schedules=[{"schedule": {"interval": 45}}])["schedules"]
    assert entry["schedule"]["interval"] == 45.0
    assert entry["schedule"]["timezone"] == "UTC"
    assert entry["schedule"]["anchor_date"]


def test_schedule_slugs_are_unique(rest: Rest) -> None:
    """A taken slug is 409; deleting a schedule is 204, then 404."""
    deployment = rest.deployment(schedules=[EVERY_HOUR | {"slug": "a"}])
    path = f"/deployments/{deployment['id']}/schedules"
    assert rest.post(path, [EVERY_HOUR | {"slug": "a"}]).status_code == 409
    (added,) = rest.made(path, [EVERY_HOUR | {"slug": "b"}])
    assert rest.patch(f"{path}/{added['id']}", max_scheduled_runs=2).status_code == 204
    assert rest.delete(f"{path}/{added['id']}").status_code == 204
    assert rest.delete(f"{path}/{added['id']}").status_code == 404


def test_planned_runs_follow_the_deployment(rest: Rest) -> None:
    """Runs are planned for an active schedule, taken back when the deployment changes or pauses, and planned anew."""
    deployment = rest.deployment(schedules=[EVERY_HOUR], tags=["x"], parameters={"n": 1})
    before = rest.until(lambda: _planned(rest, deployment), "runs are planned")
    assert len(before) >= 3
    assert {run["created_by"]["type"] for run in before} == {"SCHEDULE"}
    rest.patch(f"/deployments/{deployment['id']}", parameters={"n": 2})
    after = rest.until(lambda: [run for run in _planned(rest, deployment) if run["parameters"] == {"n": 2}], "runs are planned anew")
    assert not {run["id"] for run in before} & {run["id"] for run in after}
    rest.post(f"/deployments/{deployment['id']}/pause_deployment")
    assert _planned(rest, deployment) == []
    rest.post(f"/deployments/{deployment['id']}/resume_deployment")
    rest.until(lambda: _planned(rest, deployment), "runs are planned after the pause")


def test_own_runs_are_never_taken_back(rest: Rest) -> None:
    """Pausing takes back what the scheduler planned, not what somebody asked for."""
    deployment = rest.deployment(schedules=[EVERY_HOUR])
    run = rest.run(deployment)
    rest.post(f"/deployments/{deployment['id']}/pause_deployment")
    assert rest.get(f"/flow_runs/{run['id']}").status_code == 200


def test_deleting_a_deployment_takes_its_waiting_runs(rest: Rest) -> None:
    """Runs that have not begun go with their deployment, the others stay without one."""
    deployment = rest.deployment(concurrency_limit=1)
    waiting, ended = rest.run(deployment), rest.run(deployment)
    rest.set_state(ended, "RUNNING")
    rest.set_state(ended, "COMPLETED")
    assert rest.delete(f"/deployments/{deployment['id']}").status_code == 204
    assert rest.get(f"/flow_runs/{waiting['id']}").status_code == 404
    assert rest.read(f"/flow_runs/{ended['id']}")["deployment_id"] is None
    assert rest.get(f"/v2/concurrency_limits/deployment:{deployment['id']}").status_code == 404


def test_a_full_deployment_makes_runs_wait_or_end(rest: Rest) -> None:
    """ENQUEUE sends a second run back to wait, CANCEL_NEW ends it (contract 5.7)."""
    patient = rest.deployment(concurrency_limit=1)
    hasty = rest.deployment(concurrency_limit=1, concurrency_options={"collision_strategy": "CANCEL_NEW"})
    for deployment, name in ((patient, "AwaitingConcurrencySlot"), (hasty, "Cancelled")):
        first, second = rest.run(deployment), rest.run(deployment)
        assert rest.set_state(first, "PENDING").json()["status"] == "ACCEPT"
        answer = rest.set_state(second, "PENDING").json()
        assert (answer["status"], answer["state"]["name"]) == ("REJECT", name)
    rest.patch(f"/v2/concurrency_limits/deployment:{patient['id']}", limit=5)
    assert rest.set_state(rest.run(patient), "PENDING").json()["status"] == "ACCEPT"


def test_fields_of_older_clients(rest: Rest) -> None:
    """2.x names work: one schedule with its switch, infra_overrides, manifest_path (contract 11)."""
    deployment = rest.deployment(
        schedule={"interval": 60}, is_schedule_active=False, infra_overrides={"env": {"A": "1"}}, manifest_path="m.json"
    )
    assert [entry["active"] for entry in deployment["schedules"]] == [False]
    assert (deployment["job_variables"], deployment["manifest_path"]) == ({"env": {"A": "1"}}, "m.json")
    assert deployment["is_schedule_active"] is False
