"""Job configuration from template, deployment and run (contract 6.2)."""

from __future__ import annotations

from typing import Any

import pytest

from flowhand_server.orchestration.job_configuration import interruption, job_configuration, merged_variables
from flowhand_server.orchestration.templates import fill


def template(configuration: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    return {"job_configuration": configuration, "variables": {"properties": {name: {"default": value} for name, value in defaults.items()}}}


def test_run_wins_over_deployment_and_env_is_merged() -> None:
    """Only `env` is merged per key."""
    merged = merged_variables({"env": {"A": "1", "B": "1"}, "labels": {"x": "1"}}, {"env": {"B": "2"}, "labels": {"y": "2"}})
    assert merged == {"env": {"A": "1", "B": "2"}, "labels": {"y": "2"}}


def test_dotted_keys_are_nested_and_nested_ones_win() -> None:
    """`env.NAME` is the older way to write it."""
    assert merged_variables({"env.A": "1", "env.B": "1", "env": {"B": "2"}}, None) == {"env": {"A": "1", "B": "2"}}


def test_defaults_fill_what_is_not_given() -> None:
    """A default of null is none."""
    made = job_configuration(template({"a": "{{ a }}", "b": "{{ b }}", "c": "{{ c }}"}, a=1, b=None, c=3), {"c": 4})
    assert made == {"a": 1, "c": 4}


def test_env_is_merged_through_all_layers() -> None:
    """The template's own, the default, the deployment's and the run's."""
    made = job_configuration(template({"env": {"T": "t", "D": "t"}}, env={"D": "d", "V": "d"}), {"env": {"V": "v"}})
    assert made["env"] == {"T": "t", "D": "d", "V": "v"}
    assert job_configuration(template({"env": "{{ env }}"}, env={"D": "d"}), {"env": {"V": "v"}})["env"] == {"D": "d", "V": "v"}


def test_without_a_template_the_variables_are_the_job() -> None:
    """A served deployment has no pool."""
    assert job_configuration(None, {"env": {"A": "1"}}) == {"env": {"A": "1"}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ n }}", 3),
        ("{{n}}", 3),
        ("x{{ n }}y", "x3y"),
        ("x{{ none }}y", "xy"),
        ("{{ deep.list[1].k }}", "v"),
        ("{{ $HOME }}", "{{ $HOME }}"),
        ("a {{ prefect.variables.x }}", "a {{ prefect.variables.x }}"),
        ("{{ ctx.flow.name }}", "{{ ctx.flow.name }}"),
    ],
)
def test_placeholders(text: str, expected: Any) -> None:
    """A lone placeholder keeps the value's type; what is not the server's to fill stays."""
    assert fill(text, {"n": 3, "deep": {"list": [0, {"k": "v"}]}}) == expected


def test_unset_placeholders_are_removed() -> None:
    """From mappings and lists alike."""
    assert fill({"a": "{{ x }}", "b": ["{{ x }}", 1]}, {}) == {"b": [1]}


def test_the_template_is_not_changed() -> None:
    """It is shared by all runs of the pool."""
    shared = template({"env": {"A": "1"}}, env={"B": "1"})
    job_configuration(shared, {"env": {"C": "1"}})
    assert shared["job_configuration"] == {"env": {"A": "1"}}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, ("crash", 3)),
        ({"crash_policy": "retry", "max_interruptions": 0}, ("retry", 0)),
        ({"crash_policy": "perhaps", "max_interruptions": "many"}, ("crash", 3)),
    ],
)
def test_crash_policy(variables: dict[str, Any], expected: tuple[str, int]) -> None:
    """What is not understood is the default."""
    found = interruption(variables)
    assert (found.policy, found.at_most) == expected
