"""Our OpenAPI document beside the facts of the contract's: every operation, its codes, what it takes and what it answers."""

from __future__ import annotations

import copy
import json
from typing import Final

import pytest
from fastapi import FastAPI

from flowhand_server.routes.api import add_api
from support.openapi_compare import Comparison
from support.openapi_facts import CONTRACT, Facts, facts_of

THEIRS: Final[Facts] = json.loads(CONTRACT.read_text())

OTHERWISE: Final = {
    "POST /artifacts/": ["codes: no 200"],  # the contract's server sends the 201 that ours declares, too
    "POST /artifacts/latest/filter": ["answer[].key: may be null"],  # declared like that of any artifact; those listed here have one
    "POST /automations/templates/validate": ["codes: no 200"],  # likewise 204
    "POST /templates/validate": ["codes: no 200"],
    "GET /admin/settings": ["answer: nothing instead of fields"],  # ours are other settings
    "GET /ui/task_runs/{}": ["answer.flow_run_name: missing"],  # sent, and not declared; so are the answers below
}
"""What is meant to be different."""
UNDECLARED: Final = frozenset(
    {
        "GET /collections/views/{}",
        "GET /csrf-token",
        "GET /flow_runs/{}/graph",
        "GET /flow_runs/{}/graph-v2",
        "GET /observed-states",
        "POST /deployments/bulk_delete",
        "POST /deployments/paginate",
        "POST /flow_runs/bulk_delete",
        "POST /flow_runs/bulk_set_state",
        "POST /flow_runs/history",
        "POST /flow_runs/paginate",
        "POST /flows/bulk_delete",
        "POST /flows/paginate",
        "POST /task_runs/history",
        "POST /task_runs/paginate",
        "POST /ui/flow_runs/history",
        "POST /ui/flows/next-runs",
        "POST /ui/schemas/validate",
        "POST /ui/task_runs/count",
        "POST /ui/task_runs/dashboard/counts",
        "POST /work_pools/{}/concurrency_status",
        "POST /work_queues/{}/concurrency_status",
    }
)
"""Operations whose answers our document says nothing of: test_api_openapi_answers.py looks at the answers themselves."""


@pytest.fixture(scope="module")
def ours() -> Facts:
    """The facts of the document that our server gives out."""
    app = FastAPI()
    add_api(app)
    return facts_of(app.openapi(), "/api")


def test_every_operation_is_there(ours: Facts) -> None:
    """Path and method."""
    assert set(THEIRS["operations"]) <= set(ours["operations"])


@pytest.mark.parametrize("name", sorted(THEIRS["operations"]))
def test_an_operation_is_the_same(ours: Facts, name: str) -> None:
    """Codes and query, fields of the body and of the answer, what must be given, what may be null, all types."""
    found = list(Comparison(THEIRS, ours).operation(name))
    if name in UNDECLARED:
        assert len(found) == 1
        assert found[0].startswith("answer: nothing")
    else:
        assert found == OTHERWISE.get(name, [])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"body": {"name": None}}, "body.name: missing"),
        ({"body": {"tags*": "[str]", "tags": None}}, "body.tags: required"),
        ({"body": {"more*": "str"}}, "body.more: required"),
        ({"answer": {"name": "int"}}, "answer.name: int instead of str"),
        ({"answer": {"name": "str?"}}, "answer.name: may be null"),
        ({"answer": {"tags": "[int]"}}, "answer.tags[]: int instead of str"),
        ({"answer": {"id": None}}, "answer.id: missing"),
    ],
)
def test_a_difference_is_found(change: dict[str, dict[str, str | None]], told: str) -> None:
    """The comparison itself: a field that is gone, must be given, is of another type, may be null."""
    theirs: Facts = {
        "operations": {"POST /x": {"codes": ["200"], "body": "#In", "answer": "#Out"}},
        "schemas": {"In": {"name": "str?", "tags": "[str]"}, "Out": {"id": "str", "name": "str", "tags": "[str]"}},
    }
    ours = copy.deepcopy(theirs)
    for part, fields in change.items():
        schema = ours["schemas"]["In" if part == "body" else "Out"]
        schema.update(fields)
        for name in [name for name, kind in schema.items() if kind is None]:
            del schema[name]
    assert list(Comparison(theirs, ours).operation("POST /x")) == [told]
