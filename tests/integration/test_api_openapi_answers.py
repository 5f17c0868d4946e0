"""Answers that our OpenAPI document says nothing of, held to what the contract says of them (tests/contract/openapi_facts.json)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from support.openapi_facts import CONTRACT, Facts
from support.rest import Rest

THEIRS: Final[Facts] = json.loads(CONTRACT.read_text())
_KINDS: Final[dict[str, Any]] = {"str": str, "int": int, "num": (int, float), "bool": bool, "obj": dict}
SPAN: Final = {"history_start": "2026-01-01T00:00:00Z", "history_end": "2026-01-01T01:00:00Z", "history_interval_seconds": 1800}


def misfits(kind: str | dict[str, str], value: Any, path: str) -> Iterator[str]:
    """What of an answer is not as the contract says: fields that are missing, values of another type."""
    if isinstance(kind, dict):
        for name, inner in kind.items():
            field = name.rstrip("*")
            if field in value:
                yield from misfits(inner, value[field], f"{path}.{field}")
            else:
                yield f"{path}.{field} is missing"
    elif kind.startswith("#") and "|" not in kind:
        if value is not None or not kind.endswith("?"):
            yield from misfits(THEIRS["schemas"][kind[1:].rstrip("?")], value, path)
    elif kind[0] == "[" and isinstance(value, list):
        for number, item in enumerate(value):
            yield from misfits(kind.rstrip("?")[1:-1], item, f"{path}[{number}]")
    elif kind[0] == "<" and isinstance(value, dict):
        for name, item in value.items():
            yield from misfits(kind.rstrip("?")[1:-1], item, f"{path}.{name}")
    elif not _is(kind, value):
        yield f"{path} is {value!r}, not {kind}"


def _is(kind: str, value: Any) -> bool:
    if value is None:
        return kind.endswith("?") or kind == "any"
    expected = _KINDS.get(kind.rstrip("?"))
    return expected is None or isinstance(value, expected)


@pytest.fixture(scope="module")
def ids(rest: Rest) -> dict[str, str]:
    """A run that has ended, with a task run that has run; one that is to come; their pool and queue."""
    pool = rest.pool()
    deployment = rest.deployment(work_pool_name=pool["name"])
    run = rest.run(deployment)
    rest.run(deployment)
    for kind in ("PENDING", "RUNNING"):
        rest.set_state(run, kind)
    task = rest.made("/task_runs/", flow_run_id=run["id"], task_key="t", dynamic_key="0")
    for kind in ("RUNNING", "COMPLETED"):
        rest.post(f"/task_runs/{task['id']}/set_state", state={"type": kind})
    return {
        "run": run["id"],
        "task": task["id"],
        "flow": deployment["flow_id"],
        "deployment": deployment["id"],
        "pool": pool["name"],
        "queue": pool["default_queue_id"],
    }


READ: Final = [
    ("GET /flow_runs/{}/graph", "/flow_runs/{run}/graph"),
    ("GET /flow_runs/{}/graph-v2", "/flow_runs/{run}/graph-v2"),
    ("GET /observed-states", "/observed-states"),
    ("GET /ui/task_runs/{}", "/ui/task_runs/{task}"),
    ("GET /collections/views/{}", "/collections/views/aggregate-worker-metadata"),
]
ASKED: Final[list[tuple[str, dict[str, Any]]]] = [
    ("POST /deployments/paginate", {}),
    ("POST /flow_runs/paginate", {}),
    ("POST /flows/paginate", {}),
    ("POST /task_runs/paginate", {}),
    ("POST /flow_runs/history", SPAN),
    ("POST /task_runs/history", SPAN),
    ("POST /ui/flow_runs/history", {}),
    ("POST /ui/flows/next-runs", {"flow_ids": ["{flow}"]}),
    ("POST /ui/schemas/validate", {"schema": {"type": "object"}, "values": {}}),
    ("POST /ui/task_runs/count", {}),
    ("POST /ui/task_runs/dashboard/counts", {"task_runs": {"start_time": {"after_": "2026-01-01T00:00:00Z"}}}),
    ("POST /work_pools/{pool}/concurrency_status", {}),
    ("POST /work_queues/{queue}/concurrency_status", {}),
    ("POST /flow_runs/bulk_set_state", {"flow_runs": {"id": {"any_": ["{run}"]}}, "state": {"type": "COMPLETED"}}),
    ("POST /flow_runs/bulk_delete", {"flow_runs": {"id": {"any_": []}}}),
    ("POST /flows/bulk_delete", {"flows": {"id": {"any_": []}}}),
    ("POST /deployments/bulk_delete", {"deployments": {"id": {"any_": []}}}),
]


def _filled(text: str, ids: dict[str, str]) -> str:
    for name, value in ids.items():
        text = text.replace("{" + name + "}", value)
    return text


@pytest.mark.parametrize(("operation", "path"), READ)
def test_what_is_read(rest: Rest, ids: dict[str, str], operation: str, path: str) -> None:
    """Every field, each of its type."""
    answer = rest.read(_filled(path, ids))
    assert answer
    assert list(misfits(THEIRS["operations"][operation]["answer"], answer, "answer")) == []


@pytest.mark.parametrize(("operation", "body"), ASKED)
def test_what_is_asked(rest: Rest, ids: dict[str, str], operation: str, body: dict[str, Any]) -> None:
    """Every field, each of its type."""
    answer = rest.post(_filled(operation.removeprefix("POST "), ids), json.loads(_filled(json.dumps(body), ids)))
    assert answer.status_code == 200, answer.text
    name = operation.replace("{pool}", "{}").replace("{queue}", "{}")
    assert list(misfits(THEIRS["operations"][name]["answer"], answer.json(), "answer")) == []


def test_a_misfit_is_found() -> None:
    """The check itself: a field that is not there, one of another type."""
    assert list(misfits("[#CountByState]", [{}], "a"))
    assert list(misfits({"a": "str"}, {"a": 1}, "x")) == ["x.a is 1, not str"]
