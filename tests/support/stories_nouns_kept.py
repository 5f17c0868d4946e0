"""Stories about what is kept for flows: variables, artifacts, saved searches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from support.beside import Player

NOBODY: Final = "00000000-0000-4000-8000-000000000000"


def variables(play: Player) -> None:
    made = play.post("/variables/", name="a", value="x", tags=["t1", "t2"])["id"]
    play.post("/variables/", name="a", value="y")
    for name in ("Upper", "with space", "dash-ok", "under_ok", "dot.no", "ü", "x" * 256, "a/b", "1num", "-lead", "_lead", 5):
        play.post("/variables/", name=name, value=1)
    values: tuple[Any, ...] = (None, 0, 1.5, True, [], {}, {"a": [1, {"b": None}]}, "", "x" * 4000, '{"a": 1}')
    for number, value in enumerate(values):
        play.post("/variables/", name=f"v{number}", value=value)
    bodies: list[dict[str, Any]] = [
        {"name": "novalue"},
        {"value": 1},
        {"name": "b", "value": 1, "foo": 2},
        {"name": "b", "value": 1, "tags": "x"},
        {"name": "b", "value": 1, "tags": [1]},
    ]
    for body in bodies:
        play.post("/variables/", body)
    for path in (made, NOBODY, "no-uuid", "name/none", "name/a"):
        play.get(f"/variables/{path}")
    changes: list[dict[str, Any]] = [
        {"value": "z"},
        {"value": None},
        {"tags": []},
        {"name": "a2"},
        {"name": "v1"},
        {"name": "Bad Name"},
        {"foo": 1},
        {},
    ]
    for body in changes:
        if play.patch(f"/variables/{made}", body) is None:
            play.get(f"/variables/{made}")
    play.patch("/variables/name/a2", value={"q": 1})
    play.get(f"/variables/{made}")
    play.patch("/variables/name/none", value=1)
    play.patch(f"/variables/{NOBODY}", value=1)
    some = {"variables": {"name": {"any_": ["a2", "v0", "v1", "v2"]}}}
    pages: list[dict[str, Any]] = [
        *({"sort": sort} for sort in ("NAME_ASC", "NAME_DESC", "CREATED_DESC", "UPDATED_DESC", "X", None)),
        *({"limit": limit} for limit in (0, 201)),
        {"limit": 1, "offset": 1},
        {"offset": -1},
    ]
    for page in pages:
        play.post("/variables/filter", some | page)
    filters: list[dict[str, Any]] = [
        {"name": {"like_": "2"}},
        {"id": {"any_": [made]}},
        {"tags": {"is_null_": True}, "name": {"any_": ["a2", "v0"]}},
        {"operator": "or_", "tags": {"all_": ["none"]}, "name": {"any_": ["a2"]}},
        {"foo": 1},
        {"value": {"any_": [1]}},
    ]
    for one in filters:
        play.post("/variables/filter", variables=one)
        play.post("/variables/count", variables=one)
    for path in (made, made, "name/v1", "name/v1"):
        play.delete(f"/variables/{path}")


def artifacts(play: Player) -> None:
    flow = play.post("/flows/", name="artifacts")["id"]
    run = play.post("/flow_runs/", flow_id=flow, name="r")["id"]
    task = play.post("/task_runs/", flow_run_id=run, task_key="k", dynamic_key="0", name="t")["id"]
    first = play.post(
        "/artifacts/", key="k", type="markdown", data="# 1", description="D", flow_run_id=run, task_run_id=task, metadata_={"a": "b"}
    )["id"]
    second = play.post("/artifacts/", key="k", type="markdown", data="# 2")["id"]
    play.post("/artifacts/", type=None, data={"x": [1, None]})
    table = play.post("/artifacts/", key="o", type="table", data=[{"a": 1}])["id"]
    moving = play.post("/artifacts/", key="p", type="progress", data=50)["id"]
    bodies: list[dict[str, Any]] = [
        {},
        {"key": "Bad Key"},
        {"key": "a_b"},
        {"key": "n", "foo": 1},
        {"key": "m", "metadata_": {"a": 1}},
        {"key": "z", "flow_run_id": NOBODY},
        {"flow_run_id": "x"},
        {"key": "i", "type": "image", "data": "http://x"},
        {"key": "u", "type": "custom", "data": None},
    ]
    for body in bodies:
        play.post("/artifacts/", body)
    for path in (first, NOBODY, "none/latest"):
        play.get(f"/artifacts/{path}")
    changes: list[dict[str, Any]] = [{"data": "# 3"}, {"description": "x", "metadata_": {"q": "r"}}, {"data": None}, {"key": "new"}, {}]
    for body in changes:
        if play.patch(f"/artifacts/{second}", body) is None:
            play.get(f"/artifacts/{second}")
        play.get("/artifacts/k/latest")
    play.patch(f"/artifacts/{NOBODY}", data=1)
    play.patch(f"/artifacts/{moving}", data=75)
    some = {"artifacts": {"key": {"any_": ["k", "o", "p"]}}}
    for path in ("/artifacts/filter", "/artifacts/latest/filter"):
        for sort in ("CREATED_DESC", "UPDATED_DESC", "X"):
            play.post(path, some | {"sort": sort})
        play.post(path, some, unordered=True)
        play.post(path, some | {"limit": 201})
        play.post(path, some | {"flow_runs": {"id": {"any_": [run]}}})
    filters: list[dict[str, Any]] = [
        {"type": {"any_": ["table"]}},
        {"type": {"not_any_": ["table"]}, "key": {"any_": ["k", "o", "p"]}},
        {"key": {"like_": "k"}},
        {"key": {"exists_": True}},
        {"flow_run_id": {"any_": [run]}},
        {"task_run_id": {"any_": [task]}},
        {"operator": "or_", "type": {"any_": ["table"]}, "flow_run_id": {"any_": [run]}},
        {"foo": 1},
    ]
    for one in filters:
        play.post("/artifacts/count", artifacts=one)
        play.post("/artifacts/latest/count", artifacts=one)
    play.post("/artifacts/count", some | {"flows": {"name": {"any_": ["artifacts"]}}})
    for one in (second, second, table, NOBODY):
        play.delete(f"/artifacts/{one}")
        play.post("/artifacts/latest/count", some)
    play.get("/artifacts/k/latest")
    play.get("/artifacts/o/latest")


def saved_searches(play: Player) -> None:
    rule = {"object": "flow_run", "property": "name", "type": "string", "operation": "equals", "value": "x"}
    made = play.put("/saved_searches/", name="s", filters=[rule])["id"]
    bodies: list[dict[str, Any]] = [
        {"name": "s", "filters": []},
        {},
        {"name": "n"},
        {"name": "m", "filters": [{"foo": 1}]},
        {"name": "m", "filters": None},
        {"name": "f", "foo": 1},
    ]
    for body in bodies:
        play.put("/saved_searches/", body)
    for path in (made, NOBODY, "no-uuid"):
        play.get(f"/saved_searches/{path}")
    for window in ({}, {"limit": 300}, {"limit": 0}):
        play.post("/saved_searches/filter", window)
    play.delete(f"/saved_searches/{made}")
    play.delete(f"/saved_searches/{made}")


STORIES: Final[dict[str, Callable[[Player], None]]] = {"variables": variables, "artifacts": artifacts, "saved searches": saved_searches}
