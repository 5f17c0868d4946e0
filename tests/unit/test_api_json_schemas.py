"""Checks of parameters and job variables against JSON schemas (contract 4.4, 10)."""

from __future__ import annotations

from typing import Any

import pytest

from flowhand_server.json_schemas import DoesNotFit, check, check_job_variables, check_schema

NUMBER: dict[str, Any] = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


@pytest.mark.parametrize(
    ("value", "schema", "options"),
    [
        ({"n": 1}, NUMBER, {}),
        ({}, NUMBER, {"required": False}),
        ({"n": None}, {"properties": {"n": {"type": "integer"}}}, {}),
        ({"n": None}, {"properties": {"n": {"type": "integer", "default": 1}}}, {"null_for_default": True}),
        ({"n": [1, "a"]}, {"properties": {"n": {"type": "array", "items": [{"type": "integer"}, {"type": "string"}]}}}, {}),
        (
            {"n": {"$ref": {"block_document_id": "x"}}},
            {"properties": {"n": {"$ref": "#/definitions/B"}}, "definitions": {"B": {"block_type_slug": "b", "required": ["a"]}}},
            {},
        ),
    ],
)
def test_what_fits(value: Any, schema: Any, options: Any) -> None:
    """Older schemas are read as they were meant: what need not be given may be null, a list of items is a tuple, a block a reference."""
    check(value, schema, **options)


@pytest.mark.parametrize(
    ("value", "schema", "words"),
    [
        ({"n": "x"}, NUMBER, "Validation failed for field 'n'. Failure reason: 'x' is not of type 'integer'"),
        ({}, NUMBER, "Validation failed. Failure reason: 'n' is a required property"),
        ({"n": None}, {"properties": {"n": {"type": "integer", "default": 1}}}, "None is not of type 'integer'"),
        ({"n": 1}, {"properties": {"n": {"$ref": "https://example.org/schema"}}}, "Validation failed"),
        ({"n": {"n": {}}}, {"$ref": "#"}, "without end"),
    ],
)
def test_what_does_not(value: Any, schema: Any, words: str) -> None:
    """The text says which field and why; nothing is fetched, and no schema makes the check run for ever."""
    with pytest.raises(DoesNotFit, match=words.replace("(", r"\(")):
        check(value, schema)


def test_job_variables_are_laid_over_defaults() -> None:
    """Defaults fill what is required; a default that does not fit itself is left out, and then nothing counts as missing."""
    variables = {
        "type": "object",
        "properties": {"a": {"type": "string", "default": "x"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
    }
    check_job_variables({"variables": variables}, {"b": 1}, None, required=True)
    with pytest.raises(DoesNotFit, match="'b' is a required property"):
        check_job_variables({"variables": variables}, {}, required=True)
    with pytest.raises(DoesNotFit, match="not of type 'string'"):
        check_job_variables({"variables": variables}, {"a": 5}, required=False)
    broken = variables | {"properties": {"a": {"type": "string", "default": 5}, "b": {"type": "integer"}}}
    check_job_variables({"variables": broken}, {}, required=True)
    check_job_variables({}, {"anything": 1}, required=True)


def _deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"properties": {"a": schema}}
    return schema


@pytest.mark.parametrize(
    "schema", [{"pattern": "("}, {"pattern": "(" * 900}, {"pattern": "a{99999999999999}"}, {"type": "none"}, _deep(120)]
)
def test_what_is_no_schema(schema: dict[str, Any]) -> None:
    """Is told so, asked once or again."""
    for _ in range(2):
        with pytest.raises(DoesNotFit, match="not a valid json schema"):
            check_schema(schema)


def test_a_pattern_too_long_to_be_looked_at() -> None:
    """Is not compiled: that one would take a minute."""
    check_schema({"pattern": "[\u0100-\uffff]" * 20_000})
