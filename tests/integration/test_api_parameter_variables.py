"""Parameters that stand for others, against a real server: a run has what they stand for."""

from __future__ import annotations

from typing import Any

import pytest

from support.rest import Rest, fresh


def _kind(kind: str, **fields: Any) -> dict[str, Any]:
    return {"__prefect_kind": kind, **fields}


def test_a_run_has_what_they_stand_for(rest: Rest) -> None:
    """Of the deployment's and of the run's own; in mappings and lists; one that says nothing yet is left out."""
    name = fresh("variable")
    rest.made("/variables/", name=name, value={"a": [1]})
    deployment = rest.deployment(parameters={"kept": _kind("workspace_variable", variable_name=name), "plain": 1})
    run = rest.run(
        deployment,
        parameters={
            "read": _kind("json", value='{"x": [1, null]}'),
            "deep": [{"in": _kind("none", value=[_kind("workspace_variable", variable_name=name)])}, _kind("json")],
            "said": _kind("jinja", template="{{ 1 + 1 }} {{ 'x' | upper }}"),
            "unknown": _kind("of a later time", value=5),
            "open": _kind("workspace_variable"),
        },
    )
    assert run["parameters"] == {
        "kept": {"a": [1]},
        "plain": 1,
        "read": {"x": [1, None]},
        "deep": [{"in": [{"a": [1]}]}],
        "said": "2 X",
        "unknown": 5,
    }


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (_kind("workspace_variable", variable_name="nobody"), "there is no variable 'nobody'"),
        (_kind("json", value="{"), "is no JSON"),
        (_kind("jinja", template="{{"), "a template is"),
        (_kind("jinja"), "has no template"),
        (_kind("none"), "has no value"),
    ],
)
def test_what_cannot_be_filled_in(rest: Rest, value: Any, words: str) -> None:
    """No run is made, and the answer says why."""
    deployment = rest.deployment()
    answer = rest.post(f"/deployments/{deployment['id']}/create_flow_run", parameters={"a": value})
    assert answer.status_code == 400
    assert words in answer.text
    assert rest.made("/flow_runs/count", deployments={"id": {"any_": [deployment["id"]]}}) == 0
