"""Filters without their values: when two queries are answered by one statement, and what is put into it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.dialects import sqlite

from flowhand.clock import to_micros
from flowhand.wire.filters import FlowRunQuery
from flowhand_server.store.nouns import where
from flowhand_server.store.shapes import take_apart
from flowhand_server.store.tables import flow_run


def apart(**flow_runs: Any) -> tuple[object, list[Any]]:
    """The key of a filter's shape, and its values in the order of their parameters."""
    shape, values = take_apart(FlowRunQuery.model_validate({"flow_runs": flow_runs}))
    assert list(values) == [f"v{number}" for number in range(len(values))]
    return shape.key, list(values.values())


def test_values_make_no_shape() -> None:
    """Texts and times are values, in the order in which the contract names the properties; a limit and null say nothing."""
    one, values = apart(tags={"all_": ["red"]}, name={"like_": "x", "any_": None}, start_time={"after_": "2026-01-01T00:00:00Z"})
    other, others = apart(start_time={"after_": "2026-02-01T00:00:00Z"}, name={"like_": "y"}, tags={"all_": ["blue"]})
    assert one == other
    query = FlowRunQuery.model_validate({"flow_runs": {"start_time": {"after_": "2026-01-01T00:00:00Z"}}})
    assert query.flow_runs is not None
    assert query.flow_runs.start_time is not None
    assert query.flow_runs.start_time.after_ is not None
    assert values == ["x", "red", to_micros(query.flow_runs.start_time.after_)]
    assert others[:2] == ["y", "blue"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"name": {"like_": "x"}}, {"name": {"any_": ["x"]}}),
        ({"name": {"any_": ["x"]}}, {"name": {"any_": []}}),
        ({"name": {"any_": ["x"]}}, {"name": {"any_": ["x", "y"]}}),
        ({"name": {"like_": "x"}}, {"name": {"like_": "x"}, "operator": "or_"}),
        ({"state": {"type": {"any_": ["FAILED"]}}}, {"state": {"type": {"any_": ["RUNNING"]}}}),
        ({"deployment_id": {"is_null_": True}}, {"deployment_id": {"is_null_": False}}),
    ],
)
def test_whatever_changes_the_statement_is_of_the_shape(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Operators, flags, types of states, and how long lists are."""
    assert apart(**one)[0] != apart(**other)[0]


def test_lists_have_a_power_of_two_of_items() -> None:
    """So lists of five to eight share a statement; long ones are left as they are, as a database takes only so many parameters."""
    assert apart(name={"any_": list("abcde")}) == apart(name={"any_": list("abcdeeee")})
    assert len(apart(name={"any_": ["x"] * 1025})[1]) == 1025


def test_each_value_has_its_parameter() -> None:
    """The condition that is made of a shape names exactly the values that were taken out."""
    shape, values = take_apart(
        FlowRunQuery.model_validate(
            {
                "flow_runs": {"name": {"like_": "x"}, "tags": {"any_": ["a", "b", "c"]}, "end_time": {"before_": "2026-01-01"}},
                "work_queues": {"name": {"startswith_": ["de"]}},
                "deployments": {"concurrency_limit": {"ge_": 3}},
            }
        )
    )
    compiled = [part.compile(dialect=sqlite.dialect()) for part in where(flow_run, shape.with_parameters())]
    assert {name for made in compiled for name, bound in made.binds.items() if bound.required} == set(values)
