"""Blocks, variables, artifacts, automations and what else is kept (contract 9, 10), against a real server."""

from __future__ import annotations

from typing import Any

import pytest

from support.rest import Rest, fresh
from support.server import RunningServer

FIELDS = {
    "title": "Door",
    "type": "object",
    "properties": {"code": {"type": "string"}, "floor": {"type": "integer"}},
    "secret_fields": ["code"],
}


def _door(rest: Rest, **data: Any) -> dict[str, Any]:
    """A document of a type of its own, with a secret."""
    slug = fresh("door")
    kind = rest.made("/block_types/", name=slug.title(), slug=slug)
    schema = rest.made("/block_schemas/", fields=FIELDS | {"block_type_slug": slug}, block_type_id=kind["id"], capabilities=["open"])
    body = {"name": fresh("doc"), "block_schema_id": schema["id"], "block_type_id": kind["id"], "data": data}
    return rest.made("/block_documents/", **body)


def test_types_and_schemas(rest: Rest) -> None:
    """A slug is taken once; a schema is known by its checksum, and posting it again answers the same."""
    slug = fresh("type")
    kind = rest.made("/block_types/", name=slug, slug=slug)
    assert rest.post("/block_types/", name=slug, slug=slug).status_code == 409
    assert rest.patch(f"/block_types/{kind['id']}", description="new").status_code == 204
    assert rest.read(f"/block_types/slug/{slug}")["description"] == "new"
    body = {"fields": {"type": "object", "title": slug}, "block_type_id": kind["id"], "version": "1"}
    first, again = rest.post("/block_schemas/", **body), rest.post("/block_schemas/", **body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert rest.read(f"/block_schemas/checksum/{first.json()['checksum']}", version="1")["id"] == again.json()["id"]
    assert rest.get(f"/block_schemas/checksum/{first.json()['checksum']}", version="2").status_code == 404
    assert {"secret", "local-file-system"} <= {one["slug"] for one in rest.made("/block_types/filter")}


def test_secrets_are_hidden_and_encrypted(rest: Rest, api_server: RunningServer) -> None:
    """A secret shows as asterisks unless asked for, and is in no file of the server in the clear."""
    document = _door(rest, code="open sesame", floor=2)
    assert document["data"] == {"code": "********", "floor": 2}
    path = f"/block_documents/{document['id']}"
    assert rest.read(path, include_secrets=True)["data"]["code"] == "open sesame"
    assert rest.read(path)["data"]["code"] == "********"
    for file in (api_server.home / "server").iterdir():
        assert b"open sesame" not in file.read_bytes()
    assert (api_server.home / "server" / "secrets.key").stat().st_mode & 0o777 == 0o600


def test_changing_a_document(rest: Rest) -> None:
    """A PATCH keeps fields it does not name, and a secret that comes back hidden."""
    document = _door(rest, code="1234", floor=2)
    path = f"/block_documents/{document['id']}"
    assert rest.patch(path, data={"code": "********", "floor": 3}).status_code == 204
    assert rest.read(path, include_secrets=True)["data"] == {"code": "1234", "floor": 3}
    rest.patch(path, data={"code": "new"}, merge_existing_data=False)
    assert rest.read(path, include_secrets=True)["data"] == {"code": "new"}


def test_documents_refer_to_documents(rest: Rest) -> None:
    """A reference shows the other document's data in its place, its secrets hidden as well."""
    door = _door(rest, code="1234")
    house = _door(rest, front={"$ref": {"block_document_id": door["id"]}})
    assert house["data"] == {"front": {"code": "********"}}
    reference = house["block_document_references"]["front"]["block_document"]
    assert (reference["id"], reference["name"]) == (door["id"], door["name"])
    opened = rest.read(f"/block_types/slug/{house['block_type']['slug']}/block_documents/name/{house['name']}", include_secrets=True)
    assert opened["data"] == {"front": {"code": "1234"}}
    missing = {"front": {"$ref": {"block_document_id": "11111111-1111-4111-8111-111111111111"}}}
    assert rest.patch(f"/block_documents/{house['id']}", data=missing).status_code == 409


def test_document_names(rest: Rest) -> None:
    """A taken name is 409, a missing one 422 unless the document is anonymous; anonymous ones are not listed."""
    document = _door(rest, code="1")
    body = {"block_schema_id": document["block_schema_id"], "block_type_id": document["block_type_id"], "data": {}}
    assert rest.post("/block_documents/", **body, name=document["name"]).json() == {"detail": "Block already exists"}
    assert rest.post("/block_documents/", **body).status_code == 422
    hidden = rest.made("/block_documents/", **body, is_anonymous=True)
    listed = {one["id"] for one in rest.made("/block_documents/filter")}
    assert document["id"] in listed
    assert hidden["id"] not in listed
    assert rest.delete(f"/block_documents/{hidden['id']}").status_code == 204
    assert rest.get(f"/block_types/slug/{document['block_type']['slug']}/block_documents/name/none").status_code == 404


@pytest.mark.parametrize("value", ["text", "1.0", 5, 1.5, True, None, [1, {"a": None}], {"a": "b"}])
def test_variables_keep_any_json(rest: Rest, value: object) -> None:
    """Whatever JSON a variable holds comes back as it was, text that looks like a number too."""
    name = fresh("variable")
    assert rest.post("/variables/", name=name, value=value).status_code == 201
    assert rest.read(f"/variables/name/{name}")["value"] == value
    assert rest.post("/variables/", name=name, value=1).status_code == 409
    assert rest.patch(f"/variables/name/{name}", value="changed", tags=["t"]).status_code == 204
    assert rest.made("/variables/filter", variables={"name": {"any_": [name]}, "tags": {"all_": ["t"]}})[0]["value"] == "changed"
    assert rest.delete(f"/variables/name/{name}").status_code == 204
    assert rest.get(f"/variables/name/{name}").status_code == 404


def test_the_newest_artifact_of_a_key(rest: Rest) -> None:
    """Each artifact becomes the newest of its key; when it is deleted the one before is."""
    key = fresh("key")
    first, second = (rest.made("/artifacts/", key=key, type="markdown", data=text) for text in ("one", "two"))
    assert rest.read(f"/artifacts/{key}/latest")["id"] == second["id"]
    assert rest.patch(f"/artifacts/{second['id']}", data=7.5).status_code == 204
    (shown,) = rest.made("/artifacts/latest/filter", artifacts={"key": {"any_": [key]}})
    assert (shown["latest_id"], shown["data"]) == (second["id"], 7.5)
    assert rest.made("/artifacts/count", artifacts={"key": {"any_": [key]}}) == 2
    rest.delete(f"/artifacts/{second['id']}")
    assert rest.read(f"/artifacts/{key}/latest")["id"] == first["id"]


def test_automations_belong_to_what_owns_them(rest: Rest) -> None:
    """An automation is found by what it names, switched, replaced, and goes with its owner."""
    deployment = rest.deployment()
    owner = f"prefect.deployment.{deployment['id']}"
    trigger = {
        "type": "event",
        "posture": "Reactive",
        "expect": ["x"],
        "match": {"prefect.resource.id": "prefect.flow-run.*"},
        "within": "PT5S",
    }
    action = {"type": "run-deployment", "source": "selected", "deployment_id": deployment["id"], "parameters": {"a": 1}}
    body = {"name": fresh("automation"), "trigger": trigger, "actions": [action]}
    made = rest.made("/automations/", **body, owner_resource=owner)
    assert (made["trigger"]["within"], made["trigger"]["threshold"], made["enabled"]) == (5.0, 1, True)
    assert made["actions"][0]["schedule_after"] == 0.0
    assert [one["id"] for one in rest.read(f"/automations/related-to/{owner}")] == [made["id"]]
    assert rest.patch(f"/automations/{made['id']}", enabled=False).status_code == 204
    assert rest.http.put(f"/automations/{made['id']}", json=body | {"name": "other"}).status_code == 204
    assert rest.read(f"/automations/{made['id']}")["name"] == "other"
    assert rest.delete(f"/automations/owned-by/{owner}").status_code == 202
    gone = rest.get(f"/automations/{made['id']}")
    assert gone.status_code == 404
    assert "exception_message" in gone.json()


@pytest.mark.parametrize(
    "action",
    [
        {"type": "run-deployment", "source": "selected"},
        {"type": "run-deployment", "source": "inferred", "deployment_id": "11111111-1111-4111-8111-111111111111"},
        {"type": "send-notification"},
        {"type": "dance"},
    ],
)
def test_actions_must_be_whole(rest: Rest, action: dict[str, Any]) -> None:
    """An action that cannot be carried out is refused when it is stored."""
    trigger = {"type": "event", "posture": "Reactive"}
    assert rest.post("/automations/", name="x", trigger=trigger, actions=[action]).status_code == 422


def test_history_counts_runs_by_state(rest: Rest) -> None:
    """Spans of equal length, empty ones too, each with its runs by state."""
    deployment = rest.deployment()
    for hour in (0, 0, 2):
        rest.run(deployment, state={"type": "SCHEDULED", "state_details": {"scheduled_time": f"2098-01-01T0{hour}:30:00Z"}})
    span = {"history_start": "2098-01-01T00:00:00Z", "history_end": "2098-01-01T03:00:00Z", "history_interval_seconds": 3600}
    history = rest.made("/flow_runs/history", **span, deployments={"id": {"any_": [deployment["id"]]}})
    assert [sum(state["count_runs"] for state in one["states"]) for one in history] == [2, 0, 1]
    assert rest.post("/flow_runs/history", **(span | {"history_interval_seconds": 1})).status_code == 422
    assert rest.post("/flow_runs/history", **(span | {"history_interval_seconds": 0})).status_code == 422


def test_templates_and_searches(rest: Rest) -> None:
    """A template that cannot be read is 422 with its line; searches are kept by name."""
    assert rest.post("/templates/validate", "{{ a }}").status_code == 204
    assert rest.post("/templates/validate", "{{ a").json()["error"]["line"] == 1
    made = rest.http.put("/saved_searches/", json={"name": "s", "filters": []})
    again = rest.http.put("/saved_searches/", json={"name": "s", "filters": []})
    assert (made.status_code, again.status_code) == (201, 200)
    assert rest.delete(f"/saved_searches/{made.json()['id']}").status_code == 204
