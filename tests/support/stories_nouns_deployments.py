"""Stories about deployments and their schedules: made, made again, changed, found, planned, removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from support.beside import Player

NOBODY: Final = "00000000-0000-4000-8000-000000000000"
_ANCHOR: Final = "2031-01-01T00:00:00Z"
_DAILY: Final = {"cron": "0 0 * * *", "timezone": "UTC"}
_SCHEMA: Final = {"type": "object", "properties": {"n": {"type": "integer", "title": "n", "position": 0}}, "required": ["n"]}


def made(play: Player) -> None:
    flow = play.post("/flows/", name="made", labels={"team": "x"})["id"]
    variables = {"type": "object", "required": ["y"], "properties": {"x": {"type": "integer"}, "y": {"type": "string"}}}
    play.post(
        "/work_pools/", name="made", type="process", base_job_template={"job_configuration": {"x": "{{ x }}"}, "variables": variables}
    )
    first = play.post("/deployments/", name="d", flow_id=flow)["id"]
    play.post("/deployments/", name="d", flow_id=flow)
    play.get(f"/deployments/{first}")
    for path in ("name/made/d", "name/made/none", NOBODY, "no-uuid"):
        play.get(f"/deployments/{path}")
    bodies: list[dict[str, Any]] = [
        {"name": "d"},
        {"flow_id": flow},
        {"name": "", "flow_id": flow},
        {"name": "x", "flow_id": NOBODY},
        {"name": "x", "flow_id": "x"},
        {"name": "x", "flow_id": flow, "foo": 1},
        {"name": "x", "flow_id": flow, "work_pool_name": "none"},
        {"name": "own", "flow_id": flow, "work_queue_name": "a queue of its own"},
        {"name": "q", "flow_id": flow, "work_pool_name": "made", "work_queue_name": "new"},
        {"name": "q", "flow_id": flow},
        {"name": "v", "flow_id": flow, "work_pool_name": "made", "job_variables": {"x": "no"}},
        {"name": "v", "flow_id": flow, "work_pool_name": "made", "job_variables": {"x": 3, "z": 1}},
        {"name": "v", "flow_id": flow, "work_pool_name": "made", "job_variables": {"y": None}},
        {"name": "b", "flow_id": flow, "storage_document_id": NOBODY},
        {"name": "n", "flow_id": flow, "pull_steps": None, "parameter_openapi_schema": None, "description": None},
    ]
    for body in bodies:
        play.post("/deployments/", body)
    play.post("/work_pools/made/queues/filter")


def _full(flow: str) -> dict[str, Any]:
    return {
        "name": "full",
        "flow_id": flow,
        "version": "1",
        "description": "D",
        "paused": True,
        "tags": ["a", "b"],
        "labels": {"l": 1},
        "parameters": {"n": 1},
        "path": "/x",
        "entrypoint": "a.py:b",
        "pull_steps": [{"prefect.deployments.steps.set_working_directory": {"directory": "/x"}}],
        "work_pool_name": "changed",
        "job_variables": {"x": 1},
        "enforce_parameter_schema": True,
        "parameter_openapi_schema": _SCHEMA,
        "schedules": [{"schedule": _DAILY, "slug": "s1", "active": True, "parameters": {"n": 5}}],
        "concurrency_limit": 2,
        "concurrency_options": {"collision_strategy": "CANCEL_NEW"},
        "version_info": {"type": "prefect:simple", "version": "1"},
    }


def made_again_and_changed(play: Player) -> None:
    flow = play.post("/flows/", name="changed", labels={"team": "x"})["id"]
    play.post("/work_pools/", name="changed", type="process")
    full = _full(flow)
    path = f"/deployments/{play.post('/deployments/', full)['id']}"
    again: list[dict[str, Any]] = [
        {"name": "full", "flow_id": flow},
        full | {"parameters": {"n": "x"}},
        full | {"parameters": {"n": 2, "other": 3}},
        full | {"parameters": {}},
        full | {"parameter_openapi_schema": {"type": "foo"}},
        full | {"parameter_openapi_schema": None},
        full,
    ]
    for body in again:
        play.post("/deployments/", body)
    changes: list[dict[str, Any]] = [
        {"concurrency_limit": 0},
        {"concurrency_limit": "x"},
        {"concurrency_options": {"collision_strategy": "FOO"}},
        {"concurrency_options": {"collision_strategy": "ENQUEUE", "grace_period_seconds": 10}},
        {"concurrency_options": {"collision_strategy": "ENQUEUE", "grace_period_seconds": 60}},
        {"concurrency_limit": 4},
        {"concurrency_limit": None},
        {"concurrency_limit": 5, "concurrency_options": None},
        {"parameters": {"n": "x"}},
        {"parameters": {"n": 9}},
        {"parameters": {}},
        {"parameters": {"n": 1, "k": 2}},
        {"parameter_openapi_schema": {"type": "object", "properties": {"n": {"type": "string"}}}},
        {"enforce_parameter_schema": False, "parameters": {"n": "x"}},
        {"tags": ["z"]},
        {"description": None, "version": None},
        {"version": "2", "paused": False, "path": "/y", "entrypoint": None, "pull_steps": []},
        {"job_variables": {"q": 3}},
        {"work_queue_name": "q9"},
        {"work_pool_name": None},
        {"work_pool_name": "changed"},
        {"labels": {"z": 1}},
        {"name": "new"},
        {"flow_id": flow},
        {"foo": 1},
        {"storage_document_id": NOBODY},
        {"concurrency_limit": 3, "global_concurrency_limit_id": NOBODY},
        {"schedules": []},
        {},
    ]
    for body in changes:
        if play.patch(path, body) is None:
            play.get(path)
    play.patch(f"/deployments/{NOBODY}", paused=True)
    for word in ("pause", "resume"):
        play.post(f"{path}/{word}_deployment")
        play.get(path)
        play.post(f"/deployments/{NOBODY}/{word}_deployment")
    play.delete(path)
    play.delete(path)
    play.get(path)


def shared_limits(play: Player) -> None:
    flow = play.post("/flows/", name="shared")["id"]
    limit = play.post("/v2/concurrency_limits/", name="shared", limit=3)["id"]
    play.post("/deployments/", name="a", flow_id=flow, global_concurrency_limit_id=limit)
    play.post("/deployments/", name="b", flow_id=flow, global_concurrency_limit_id=limit, concurrency_limit=3)
    play.post("/deployments/", name="b", flow_id=flow, global_concurrency_limit_id=NOBODY)
    path = f"/deployments/{play.get('/deployments/name/shared/a')['id']}"
    for wanted in (None, limit, NOBODY):
        if play.patch(path, global_concurrency_limit_id=wanted) is None:
            play.get(path)
    play.delete(f"/v2/concurrency_limits/{limit}")
    play.get(path)


def searches(play: Player) -> None:
    flow = play.post("/flows/", name="found")["id"]
    play.post("/work_pools/", name="found", type="process")
    ids = [
        play.post("/deployments/", {"flow_id": flow, "name": name} | fields)["id"]
        for name, fields in (
            ("one", {"tags": ["a"], "paused": True}),
            ("two", {"tags": ["a", "b"], "work_pool_name": "found", "work_queue_name": "q"}),
            ("three", {}),
            ("Four", {"work_pool_name": "found"}),
        )
    ]
    play.patch(f"/deployments/{ids[0]}", description="changed last")
    here = {"flows": {"name": {"any_": ["found"]}}}
    filters: list[dict[str, Any]] = [
        {},
        {"deployments": {"name": {"any_": ["one", "two"]}}},
        {"deployments": {"name": {"like_": "O"}}},
        {"deployments": {"paused": {"eq_": True}}},
        {"deployments": {"tags": {"all_": ["a", "b"]}}},
        {"deployments": {"tags": {"any_": ["b", "z"]}}},
        {"deployments": {"tags": {"is_null_": True}}},
        {"deployments": {"work_queue_name": {"any_": ["q"]}}},
        {"deployments": {"id": {"any_": ids[:2]}}},
        {"deployments": {"id": {"not_any_": ids[:2]}}},
        {"deployments": {"flow_or_deployment_name": {"like_": "our"}}},
        {"deployments": {"operator": "or_", "name": {"any_": ["two"]}, "paused": {"eq_": True}}},
        {"deployments": {"foo": 1}},
        {"work_pools": {"name": {"any_": ["found"]}}},
        {"work_pool_queues": {"name": {"any_": ["q"]}}},
        {"flow_runs": {"name": {"any_": ["none"]}}},
        {"foo": 1},
    ]
    for body in filters:
        play.post("/deployments/filter", here | body)
        play.post("/deployments/count", here | body)
    sorts: tuple[str | None, ...] = ("NAME_ASC", "NAME_DESC", "CREATED_DESC", "UPDATED_DESC", "FOO", None)
    for sort in sorts:
        play.post("/deployments/filter", here | {"sort": sort})
    for window in ({"limit": 2}, {"limit": 2, "offset": 1}, {"limit": None, "offset": None}, {"limit": 201}):
        play.post("/deployments/filter", here | window)
    for page in ({"limit": 2, "page": 2}, {"limit": 2, "page": 0}, {"limit": 2, "page": 99}, {"limit": 0}, {"limit": 500}):
        play.post("/deployments/paginate", here | page)
    play.post("/flows/filter", here | {"deployments": {"name": {"any_": ["one"]}}})
    play.post("/deployments/bulk_delete", deployments={"id": {"any_": ids[:1]}})
    play.post("/deployments/bulk_delete", deployments={"id": {"any_": []}})
    play.post(f"/deployments/{NOBODY}/create_flow_run")
    play.delete(f"/flows/{flow}")
    play.get(f"/deployments/{ids[1]}")


def rules(play: Player) -> None:
    flow = play.post("/flows/", name="rules")["id"]
    crons = ("* * * * *", "0 0 * * * *", "@daily", "0 0 L * *", "0 0 * * fri#1", "0 0 * jan mon-fri", "5-1 * * * *")
    wrong = ("@reboot", "H * * * *", "R * * * *", "nope", "61 * * * *", "", "* * * *", "*/70 * * * *", 5, None)
    kinds: list[Any] = [
        *({"cron": cron} for cron in (*crons, *wrong)),
        *({"cron": "0 1 * * *", "timezone": zone} for zone in ("Europe/Berlin", "UTC", "EST", None, "Nowhere/X")),
        {"cron": "0 0 1 * 1", "day_or": False},
        {"cron": "0 0 * * *", "foo": 1},
        *({"interval": seconds, "anchor_date": _ANCHOR} for seconds in (60, 0.5, "PT1H", 86400.5, 1e12, 0, -5, None)),
        *({"interval": 60, "anchor_date": anchor} for anchor in ("2031-01-01T00:00:00+02:00", "2031-01-01T00:00:00", "2031-01-01", "bad")),
        *({"interval": 60, "anchor_date": _ANCHOR, "timezone": zone} for zone in ("America/New_York", "Nope/X")),
        {"interval": 60, "foo": 1},
        *({"rrule": rule} for rule in ("DTSTART:20300101T000000\nFREQ=DAILY", "nope", "", "X" * 7000)),
        {"rrule": "DTSTART:20300101T000000\nRRULE:FREQ=DAILY\nRRULE:FREQ=HOURLY"},
        {"rrule": "DTSTART:20300101T000000\nFREQ=DAILY", "timezone": "X/Y"},
        {},
        {"foo": 1},
        None,
        5,
        {"cron": "* * * * *", "interval": 60},
    ]
    for number, kind in enumerate(kinds):
        play.post("/deployments/", name=f"r{number}", flow_id=flow, schedules=[{"schedule": kind, "slug": "s"}])
    about: list[dict[str, Any]] = [
        {"active": False},
        {"active": None},
        {"active": "x"},
        {"max_scheduled_runs": 0},
        {"parameters": None},
        {"parameters": {"a": 1}},
        {"parameters": []},
        {"slug": "A B"},
        {"slug": ""},
        {"slug": None},
        {"replaces": "old"},
        {"foo": 1},
    ]
    for number, fields in enumerate(about):
        schedule = {"schedule": {"interval": 3600, "anchor_date": _ANCHOR}} | fields
        play.post("/deployments/", name=f"a{number}", flow_id=flow, schedules=[schedule])
    play.post("/deployments/", name="twice", flow_id=flow, schedules=[{"schedule": _DAILY, "slug": "a"}, {"schedule": _DAILY, "slug": "a"}])


def schedules(play: Player) -> None:
    flow = play.post("/flows/", name="schedules")["id"]
    path = f"/deployments/{play.post('/deployments/', name='d', flow_id=flow)['id']}/schedules"
    play.get(path)
    bodies: list[Any] = [
        [],
        [{"schedule": _DAILY, "slug": "one"}],
        [{"schedule": _DAILY, "slug": "one"}],
        [{"schedule": {"cron": "bad"}}],
        {"schedule": _DAILY},
        [{"schedule": _DAILY, "deployment_id": NOBODY}],
        [{"schedule": _DAILY, "foo": 1}],
    ]
    for body in bodies:
        play.post(path, body)
    (only,) = play.get(path)
    one = f"{path}/{only['id']}"
    changes: list[dict[str, Any]] = [
        {"active": False},
        {"schedule": {"interval": 90, "anchor_date": _ANCHOR}},
        {"slug": "three"},
        {"max_scheduled_runs": 5},
        {"max_scheduled_runs": 0},
        {"foo": 1},
        {},
    ]
    for body in changes:
        if play.patch(one, body) is None:
            play.get(path)
    elsewhere = f"/deployments/{NOBODY}/schedules"
    play.get(elsewhere)
    play.post(elsewhere, [{"schedule": _DAILY}])
    play.patch(f"{elsewhere}/{only['id']}", active=False)
    play.delete(f"{elsewhere}/{only['id']}")
    play.patch(f"{path}/{NOBODY}", active=False)
    play.delete(f"{path}/{NOBODY}")
    play.delete(one)
    play.delete(one)
    play.get(path)


def schedules_by_slug(play: Player) -> None:
    flow = play.post("/flows/", name="slugs")["id"]
    first = {"schedule": _DAILY, "slug": "one"}
    path = f"/deployments/{play.post('/deployments/', name='d', flow_id=flow, schedules=[first])['id']}"
    changes: list[list[dict[str, Any]]] = [
        [{"slug": "one", "schedule": {"cron": "5 0 * * *"}}],
        [{"slug": "one", "active": False}],
        [{"slug": "one", "replaces": "one", "schedule": {"cron": "7 0 * * *"}}],
        [{"slug": "two", "replaces": "one", "schedule": {"cron": "7 0 * * *"}}],
        [{"schedule": {"cron": "5 0 * * *"}}],
        [{"slug": "other"}],
        [],
    ]
    for body in changes:
        if play.patch(path, schedules=body) is None:
            play.get(path)
    play.post("/deployments/", name="d", flow_id=flow, schedules=[{"schedule": _DAILY}])
    play.patch(path, schedules=[{"schedule": {"cron": "5 1 * * *"}}])
    play.get(path)
    play.post("/deployments/", name="d", flow_id=flow)


def planned_runs(play: Player) -> None:
    flow = play.post("/flows/", name="planned")["id"]
    hourly = {"interval": 3600, "anchor_date": _ANCHOR}
    spans: list[tuple[dict[str, Any], dict[str, Any]]] = [
        *((hourly, {"start_time": "2031-01-01T00:30:00Z", **span}) for span in _SPANS),
        *((rule, {"start_time": start, "end_time": end, "min_runs": 12}) for rule, start, end in _RULES),
    ]
    for number, (rule, span) in enumerate(spans):
        body = {"name": f"p{number}", "flow_id": flow, "tags": ["t"], "parameters": {"n": 1, "m": 2}, "paused": True}
        deployment = play.post("/deployments/", body | {"schedules": [{"schedule": rule, "parameters": {"n": 4}, "slug": "s"}]})["id"]
        play.post(f"/deployments/{deployment}/schedule", span)
        play.post("/flow_runs/filter", deployments={"id": {"any_": [deployment]}}, sort="EXPECTED_START_TIME_ASC")
    path = f"/deployments/{play.post('/deployments/', name='again', flow_id=flow, paused=True, schedules=[{'schedule': hourly}])['id']}"
    of_it = {"deployments": {"id": {"any_": [path.rpartition("/")[2]]}}}
    for _ in range(2):
        play.post(f"{path}/schedule", start_time=_ANCHOR, end_time="2031-01-01T02:00:00Z")
        play.post("/flow_runs/count", of_it)
    play.patch(path, description="x")
    play.post("/flow_runs/count", of_it)
    play.post(f"/deployments/{NOBODY}/schedule")


_SPANS: Final[list[dict[str, Any]]] = [
    {"end_time": "2031-01-01T05:00:00Z"},
    {"end_time": "2031-01-01T05:00:00Z", "max_runs": 2},
    {"end_time": "2031-01-01T05:00:00Z", "min_runs": 10},
    {"min_runs": 1, "max_runs": 1},
    {"min_runs": 5, "max_runs": 2},
    {"min_runs": 1, "min_time": 7200},
    {"end_time": "2030-01-01T05:00:00Z"},
    {"max_runs": "x"},
]
_RULES: Final[list[tuple[dict[str, Any], str, str]]] = [
    ({"cron": "30 2 * * *", "timezone": "Europe/Berlin"}, "2031-03-28T00:00:00Z", "2031-04-02T00:00:00Z"),
    ({"cron": "0 * * * *", "timezone": "Europe/Berlin"}, "2031-10-25T22:00:00Z", "2031-10-26T05:00:00Z"),
    ({"cron": "*/30 * * * *", "timezone": "Europe/Berlin"}, "2031-03-29T23:00:00Z", "2031-03-30T04:00:00Z"),
    ({"cron": "0 0 1 * 1", "timezone": "UTC", "day_or": False}, "2031-01-01T00:00:00Z", "2033-02-20T00:00:00Z"),
    ({"cron": "0 0 L * *", "timezone": "UTC"}, "2031-01-01T00:00:00Z", "2031-06-20T00:00:00Z"),
    ({"cron": "0 0 * * * 15", "timezone": "UTC"}, "2031-01-01T00:00:00Z", "2031-01-03T00:00:00Z"),
    (
        {"interval": 86400, "anchor_date": "2031-03-01T02:30:00", "timezone": "Europe/Berlin"},
        "2031-03-28T00:00:00Z",
        "2031-04-03T00:00:00Z",
    ),
    (
        {"interval": 129600, "anchor_date": "2031-03-01T02:30:00Z", "timezone": "Europe/Berlin"},
        "2031-03-28T00:00:00Z",
        "2031-04-06T00:00:00Z",
    ),
    (
        {"interval": 21600, "anchor_date": "2031-03-01T02:30:00Z", "timezone": "America/New_York"},
        "2031-03-08T00:00:00Z",
        "2031-03-10T00:00:00Z",
    ),
    ({"interval": 0.25, "anchor_date": _ANCHOR}, "2031-01-01T00:00:00Z", "2031-01-01T00:00:02Z"),
    ({"rrule": "DTSTART:20200101T000000\nFREQ=HOURLY", "timezone": "Europe/Berlin"}, "2031-10-25T22:00:00Z", "2031-10-26T05:00:00Z"),
    ({"rrule": "DTSTART:20300101T000000\nRRULE:FREQ=DAILY\nEXDATE:20310102T000000"}, "2031-01-01T00:00:00Z", "2031-01-05T00:00:00Z"),
    ({"rrule": "DTSTART:20310101T000000Z\nRRULE:FREQ=DAILY;UNTIL=20310103T000000Z"}, "2031-01-01T00:00:00Z", "2031-01-05T00:00:00Z"),
]
"""A rule and the span that is looked at: where clocks change, where rules are odd, where they end."""

STORIES: Final[dict[str, Callable[[Player], None]]] = {
    "deployments made": made,
    "deployments made again and changed": made_again_and_changed,
    "limits that deployments share": shared_limits,
    "searches for deployments": searches,
    "rules of schedules": rules,
    "schedules": schedules,
    "schedules by slug": schedules_by_slug,
    "planned runs": planned_runs,
}
