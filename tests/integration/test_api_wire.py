"""Conventions that hold for the whole REST contract (contract 1), against a real server."""

from __future__ import annotations

import pytest

from support.rest import Rest


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/health", True),
        ("/ready", {"message": "OK"}),
        ("/version", "0.8.4"),
        ("/admin/version", "3.9.1"),
        ("/admin/storage", {"default_result_storage_block_id": None}),
    ],
)
def test_root_routes(rest: Rest, path: str, answer: object) -> None:
    """The routes that a client asks first answer bare JSON."""
    assert rest.read(path) == answer


@pytest.mark.parametrize(
    ("agent", "version"),
    [("prefect/3.9.1 (API 0.8.4)", "3.9.1"), ("prefect/2.20.26 (API 0.8.4)", "2.20.26"), ("python-httpx/0.28.1", "3.9.1")],
)
def test_version_suits_the_client(rest: Rest, agent: str, version: str) -> None:
    """A client refuses a server of another major version, so each is told its own (contract 1.3)."""
    assert rest.http.get("/admin/version", headers={"User-Agent": agent}).json() == version


def test_csrf_is_off_in_the_words_that_clients_know(rest: Rest) -> None:
    """422 with this text makes a client stop asking for tokens."""
    answer = rest.get("/csrf-token", client="11111111-1111-4111-8111-111111111111")
    assert (answer.status_code, answer.json()) == (422, {"detail": "CSRF protection is disabled."})


@pytest.mark.parametrize(("version", "status"), [("0.8.0", 200), ("0.9.0", 200), ("", 200), ("eight", 400)])
def test_api_version_header(rest: Rest, version: str, status: int) -> None:
    """Any version of the form x.y.z is welcome, anything else is not."""
    assert rest.http.get("/health", headers={"X-PREFECT-API-VERSION": version}).status_code == status


@pytest.mark.parametrize(
    ("said", "status", "where"),
    [(None, 201, ["body", "task_key"]), ("application/json", 201, ["body", "task_key"]), ("text/plain", 422, ["body"])],
)
def test_a_body_that_does_not_say_what_it_is_is_json(rest: Rest, said: str | None, status: int, where: list[str]) -> None:
    """Clients before 3.6 make task runs so; a body that says it is something else is taken for that."""
    headers = {} if said is None else {"Content-Type": said}
    made = rest.http.post("/task_runs/", content=b'{"task_key": "u", "dynamic_key": "%s"}' % str(said).encode(), headers=headers)
    wrong = rest.http.post("/task_runs/", content=b'{"task_key": 1}', headers=headers)
    assert (made.status_code, wrong.status_code, wrong.json()["exception_detail"][0]["loc"]) == (status, 422, where), made.text


def test_an_id_that_is_none_is_not_found(rest: Rest) -> None:
    """A segment that is no UUID does not match the route: 404, not 422."""
    assert rest.get("/flow_runs/not-a-uuid").status_code == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/flows/", {"name": "x", "surprise": 1}),
        ("/flows/", {"name": "a/b"}),
        ("/flows/", {}),
        ("/logs/", {"message": "a bare object"}),
        ("/variables/", {"name": "No Capitals", "value": 1}),
        ("/flow_runs/filter", {"flow_runs": {"id": {"any": []}}}),
        ("/flow_runs/filter", {"flow_runs": {"id": {"any_": ["no uuid"]}}}),
        ("/flow_runs/filter", {"sort": "SIDEWAYS"}),
        ("/flow_runs/filter", {"offset": -1}),
    ],
)
def test_what_does_not_fit_is_refused(rest: Rest, path: str, body: object) -> None:
    """A body that does not fit is 422, in the contract's second shape, with the place of the error."""
    answer = rest.post(path, body)
    assert answer.status_code == 422
    assert answer.json()["exception_message"] == "Invalid request received."
    assert answer.json()["exception_detail"][0]["loc"][0] == "body"


def test_state_bodies_refuse_server_made_fields(rest: Rest) -> None:
    """Id and timestamp of a state are the server's to give (contract 3)."""
    run = rest.run()
    body = {"state": {"type": "RUNNING", "timestamp": "2026-01-01T00:00:00Z"}}
    assert rest.post(f"/flow_runs/{run['id']}/set_state", body).status_code == 422


@pytest.mark.parametrize("noun", ["flows", "flow_runs", "deployments", "task_runs", "work_pools", "logs", "variables", "artifacts"])
def test_at_most_200_rows(rest: Rest, noun: str) -> None:
    """More than 200 rows are refused in the contract's words; null means the default, for sort and offset as well."""
    answer = rest.post(f"/{noun}/filter", limit=201)
    assert (answer.status_code, answer.json()) == (422, {"detail": "Invalid limit: must be less than or equal to 200."})
    assert rest.post(f"/{noun}/filter", limit=None, sort=None, offset=None).status_code == 200


def test_top_level_keys_of_filters_may_be_unknown(rest: Rest) -> None:
    """Clients send keys that the route never knew, such as `block_schema_type`."""
    assert rest.post("/block_documents/filter", block_schema_type=None, limit=None, include_secrets=True).status_code == 200


@pytest.mark.parametrize("stamp", ["2099-01-01T00:00:00Z", "2099-01-01T00:00:00+00:00", "2099-01-01 00:00:00+00:00", "2099-01-01 00:00:00"])
def test_stamps_in_all_their_forms(rest: Rest, stamp: str) -> None:
    """With `T` or a space, `Z` or an offset, or none (then UTC)."""
    run = rest.run(state={"type": "SCHEDULED", "state_details": {"scheduled_time": stamp}})
    assert run["next_scheduled_start_time"] == "2099-01-01T00:00:00.000000Z"
    due = rest.made("/deployments/get_scheduled_flow_runs", deployment_ids=[run["deployment_id"]], scheduled_before=stamp)
    assert [one["id"] for one in due] == [run["id"]]


def test_the_api_describes_itself(rest: Rest) -> None:
    """/openapi.json names every route of the first two tiers, and /docs shows it."""
    root = rest.url.removesuffix("/api")
    paths = rest.http.get(f"{root}/openapi.json").json()["paths"]
    assert {"/api/flows/", "/api/deployments/{deployment_id}/create_flow_run", "/api/work_pools/{name}/get_scheduled_flow_runs"} <= set(
        paths
    )
    assert rest.http.get(f"{root}/docs").status_code == 200
