"""Stories about events and the automations that they set off."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, Final

import httpx

from support.beside import Player

NOBODY: Final = "00000000-0000-4000-8000-000000000000"
_DAY: Final = {"occurred": {"since": "2026-01-04T00:00:00Z", "until": "2026-01-06T00:00:00Z"}}
_OURS: Final = {"resource": {"id_prefix": ["my.res."]}}
_NUMBER: Final = 6


def _event(number: int, **fields: Any) -> dict[str, Any]:
    resource = {"prefect.resource.id": f"my.res.{number}", "prefect.resource.name": f"r{number}", "kind": "a" if number % 2 else "b"}
    return {
        "id": str(uuid.UUID(int=number)),
        "occurred": f"2026-01-05T0{number}:00:00Z",
        "event": f"my.event.{number % 3}",
        "resource": resource,
        "related": [{"prefect.resource.id": f"rel.{number % 2}", "prefect.resource.role": "owner"}],
        "payload": {"n": number},
        **fields,
    }


def events(play: Player) -> None:
    play.post("/events", [_event(number) for number in range(_NUMBER)])
    wrong: list[Any] = [
        [],
        {},
        [{}],
        [_event(1, resource={})],
        [_event(1, resource={"prefect.resource.id": ""})],
        [_event(1, related=[{"prefect.resource.id": "x"}])],
        [_event(1, occurred=None)],
        [_event(1, occurred="x")],
        [_event(1, payload="x")],
        [_event(1, related=[{"prefect.resource.id": "x", "prefect.resource.role": "r"}] * 101)],
    ]
    for body in wrong:
        play.post("/events", body)
    play.until(_stored)
    play.post("/events/filter", filter=_DAY | {"resource": {"id": ["my.res.1"]}})
    filters: list[dict[str, Any]] = [
        *({"order": order} for order in ("ASC", "DESC", "X")),
        {"event": {"name": ["my.event.1"]}},
        {"event": {"prefix": ["my.ev"]}},
        {"event": {"exclude_name": ["my.event.1"]}},
        {"event": {"exclude_prefix": ["my.event.1"]}},
        {"resource": {"labels": {"kind": "a", "prefect.resource.id": "my.res.*"}}},
        {"resource": {"labels": {"kind": ["a", "b"], "prefect.resource.id": "my.res.*"}}},
        {"resource": {"labels": {"kind": "!a", "prefect.resource.id": "my.res.*"}}},
        {"resource": {"id_prefix": ["my.res."], "distinct": True}},
        {"related": {"id": ["rel.1"]}},
        {"related": {"role": ["owner"]}},
        {"related": {"resources_in_roles": [["rel.1", "owner"]]}},
        {"related": {"labels": {"prefect.resource.id": "rel.0"}}},
        {"any_resource": {"id": ["rel.1"]}},
        {"any_resource": {"id_prefix": ["rel."]}},
        {"any_resource": {"labels": {"kind": "a"}}},
        {"occurred": {"since": "2026-01-05T02:00:00Z", "until": "2026-01-05T04:00:00Z"}},
        {"occurred": {"since": "2026-01-05T04:00:00Z", "until": "2026-01-05T02:00:00Z"}},
        {"id": {"id": [NOBODY]}},
        {"foo": 1},
        {"event": {"foo": 1}},
    ]
    for one in filters:
        play.post("/events/filter", filter=_DAY | _OURS | one)
    for limit in (51, -1, "x"):
        play.post("/events/filter", filter=_DAY | _OURS, limit=limit)
    page = play.post("/events/filter", filter=_DAY | _OURS, limit=4)
    play.get("/events/filter/next?" + httpx.URL(page["next_page"]).query.decode())
    play.get("/events/filter/next")
    play.get("/events/filter/next?page-token=none")


def _stored(client: httpx.Client) -> bool:
    found = client.post("/events/filter", json={"filter": _DAY | _OURS}).json()
    return found.get("total", 0) >= _NUMBER


def counted_events(play: Player) -> None:
    play.post("/events", [_event(number) for number in range(_NUMBER)])
    play.until(_stored)
    whole = _DAY | _OURS
    part = _OURS | {"occurred": {"since": "2026-01-05T00:30:00Z", "until": "2026-01-05T03:30:00Z"}}
    for what in ("day", "time", "event", "resource", "none"):
        play.post(f"/events/count-by/{what}", filter=whole)
    spans: list[dict[str, Any]] = [
        {"time_unit": "hour", "time_interval": 2},
        {"time_unit": "day"},
        {"time_unit": "week"},
        {"time_unit": "hour", "time_interval": 0.5},
        {"time_unit": "second"},
        {"time_unit": "x"},
        {"time_interval": 0},
    ]
    for span in spans:
        play.post("/events/count-by/time", filter=whole, **span)
    play.post("/events/count-by/time", filter=part, time_unit="hour")
    play.post("/events/count-by/time", filter=part, time_unit="minute", time_interval=45)
    play.post("/events/count-by/resource", filter=whole | {"event": {"name": ["my.event.1"]}})
    play.post("/events/count-by/event", filter=whole | {"related": {"id": ["rel.1"]}})
    play.post("/events/count-by/event", {})
    play.post("/events/count-by/event", filter={"foo": 1})


_TRIGGER: Final[dict[str, Any]] = {
    "type": "event",
    "posture": "Reactive",
    "expect": ["a.b"],
    "match": {"prefect.resource.id": "x.*"},
    "threshold": 1,
    "within": 0,
}
_NOTHING: Final[list[dict[str, Any]]] = [{"type": "do-nothing"}]
_TRIGGERS: Final[list[dict[str, Any]]] = [
    {},
    {"type": "none"},
    _TRIGGER | {"posture": "X"},
    _TRIGGER | {"within": -1},
    _TRIGGER | {"within": "PT30S"},
    *(_TRIGGER | {"posture": "Proactive", "within": seconds} for seconds in (0, 5, 10)),
    {name: value for name, value in _TRIGGER.items() if name != "posture"},
    {name: value for name, value in _TRIGGER.items() if name != "type"},
    _TRIGGER | {"match": {"x": 5}},
    _TRIGGER | {"match": {"x": ["a", "b"]}},
    _TRIGGER | {"match_related": [{"prefect.resource.role": "flow"}, {"x": "y"}]},
    _TRIGGER | {"for_each": ["prefect.resource.id"], "after": ["q"]},
    {"type": "compound", "require": "all", "within": 60, "triggers": [_TRIGGER, _TRIGGER]},
    {"type": "compound", "require": 3, "within": 60, "triggers": [_TRIGGER]},
    {"type": "compound", "require": 0, "within": 60, "triggers": [_TRIGGER]},
    {"type": "compound", "require": "some", "within": 60, "triggers": [_TRIGGER]},
    {"type": "compound", "require": "any", "within": None, "triggers": []},
    {"require": "any", "within": 60, "triggers": [_TRIGGER]},
    {"type": "sequence", "within": 60, "triggers": [_TRIGGER, {"type": "compound", "require": 1, "within": 10, "triggers": [_TRIGGER]}]},
]
_ACTIONS: Final[list[dict[str, Any]]] = [
    {"type": "none"},
    {"type": "run-deployment", "source": "inferred"},
    {"type": "run-deployment", "source": "selected"},
    {"type": "run-deployment", "source": "inferred", "deployment_id": NOBODY},
    {"type": "run-deployment", "deployment_id": NOBODY, "parameters": {"a": "{{ event.id }}"}, "schedule_after": 60},
    {"type": "run-deployment", "deployment_id": NOBODY, "parameters": {"a": {"__prefect_kind": "jinja", "template": "{{ x"}}},
    {"type": "run-deployment", "deployment_id": NOBODY, "schedule_after": -1},
    {"type": "pause-deployment", "source": "inferred"},
    {"type": "pause-work-pool", "source": "selected", "work_pool_id": NOBODY},
    {"type": "pause-work-queue", "source": "selected"},
    {"type": "cancel-flow-run"},
    {"type": "change-flow-run-state", "state": "FAILED", "name": "x", "message": "m", "force": True},
    {"type": "change-flow-run-state"},
    {"type": "send-notification", "block_document_id": NOBODY, "subject": "s", "body": "b {{ event.id }}"},
    {"type": "send-notification", "block_document_id": NOBODY, "body": "{{ bad"},
    {"type": "send-notification", "block_document_id": NOBODY},
    {"type": "call-webhook", "block_document_id": NOBODY, "payload": "{{ x"},
    {"type": "pause-automation", "source": "inferred"},
    {"type": "resume-automation", "source": "selected", "automation_id": NOBODY},
    {"type": "do-nothing", "foo": 1},
]


def automations(play: Player) -> None:
    body: dict[str, Any] = {"name": "a", "trigger": _TRIGGER, "actions": _NOTHING}
    made = play.post("/automations/", body | {"description": "D", "tags": ["t"]})["id"]
    for trigger in _TRIGGERS:
        play.post("/automations/", body | {"name": "other", "trigger": trigger})
    for action in _ACTIONS:
        play.post("/automations/", body | {"name": "other", "actions": [action]})
    others: list[dict[str, Any]] = [
        {"actions": []},
        {"actions": "x"},
        {"actions_on_trigger": _NOTHING, "actions_on_resolve": _NOTHING},
        *({name: None} for name in ("name", "enabled", "description", "tags")),
        {"enabled": False},
        {"foo": 1},
        {"owner_resource": "own.1"},
    ]
    for fields in others:
        play.post("/automations/", body | {"name": "other"} | fields)
    for name in body:
        play.post("/automations/", {key: value for key, value in body.items() if key != name})
    path = f"/automations/{made}"
    for body_of_patch in ({"enabled": False}, {"enabled": True}, {"name": "x"}, {}):
        if play.patch(path, body_of_patch) is None:
            play.get(path)
    replacements: list[dict[str, Any]] = [
        body | {"name": "new", "trigger": _TRIGGER | {"threshold": 5}},
        {"name": "x"},
        body | {"name": "new", "enabled": True, "tags": []},
    ]
    for replacement in replacements:
        play.put(path, replacement)
        play.get(path)
    for missing in (NOBODY, "no-uuid"):
        play.get(f"/automations/{missing}")
        play.patch(f"/automations/{missing}", enabled=True)
        play.put(f"/automations/{missing}", body)
        play.delete(f"/automations/{missing}")
    play.get("/automations/related-to/own.1")
    play.delete("/automations/owned-by/own.1")
    play.get("/automations/related-to/own.1")
    play.delete("/automations/owned-by/none")
    play.delete(path)
    play.delete(path)


def searches_for_automations(play: Player) -> None:
    for name, tags in (("s-b", ["t"]), ("s-a", ["t", "u"]), ("s-c", [])):
        play.post("/automations/", name=name, trigger=_TRIGGER, actions=_NOTHING, tags=tags)
    ours = {"name": {"any_": ["s-a", "s-b", "s-c"]}}
    searches: list[dict[str, Any]] = [
        *({"sort": sort} for sort in ("NAME_ASC", "NAME_DESC", "CREATED_DESC", "UPDATED_DESC", "X", None)),
        {"limit": 1, "offset": 1},
        {"limit": 201},
        {"automations": ours | {"created": {"before_": "2020-01-01T00:00:00Z"}}},
        {"automations": ours | {"tags": {"all_": ["t", "u"]}}},
        {"automations": ours | {"tags": {"any_": ["u"]}}},
        {"automations": ours | {"tags": {"is_null_": True}}},
        {"automations": {"foo": 1}},
    ]
    for body in searches:
        play.post("/automations/filter", {"automations": ours} | body)


STORIES: Final[dict[str, Callable[[Player], None]]] = {
    "events": events,
    "counted events": counted_events,
    "automations": automations,
    "searches for automations": searches_for_automations,
}
