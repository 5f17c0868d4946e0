"""Schemas from outside do not hold the server up: how much work a check may be is bounded."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest

from flowhand_server.json_schemas import DoesNotFit, check
from flowhand_server.pattern_effort import effort

DIALECT = "http://json-schema.org/draft-07/schema#"
HOSTILE = "(a+)+$"
LONG = "a" * 40 + "!"
SOON = 8.0
"""Seconds that a check stays under by far, and that one which is not bounded takes no notice of."""


def _doubling(depth: int) -> dict[str, Any]:
    """A schema whose every part asks for the next one twice."""
    parts = {f"p{n}": {"allOf": [{"$ref": f"#/$defs/p{n + 1}"}] * 2} for n in range(depth)}
    return {"$ref": "#/$defs/p0", "$defs": {**parts, f"p{depth}": {}}}


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ({"a": LONG}, {"properties": {"a": {"pattern": HOSTILE}}}),
        ({"a": LONG}, {"properties": {"a": {"$schema": DIALECT, "pattern": HOSTILE}}}),
        ({"a": [LONG]}, {"properties": {"a": {"items": {"anyOf": [{"$schema": DIALECT, "pattern": HOSTILE}]}}}}),
        ({LONG: 1}, {"propertyNames": {"pattern": HOSTILE}}),
        ({LONG: 1}, {"patternProperties": {HOSTILE: False}}),
        ({LONG: 1}, {"patternProperties": {HOSTILE: True}, "additionalProperties": False}),
        ({LONG: 1}, {"allOf": [{"patternProperties": {HOSTILE: True}}], "unevaluatedProperties": False}),
        ({"a": "a" * 4000 + "!"}, {"properties": {"a": {"pattern": ".*a.*a.*a.*b"}}}),
        ({"a": LONG}, {"properties": {"a": {"not": {"pattern": HOSTILE}}}}),
        ({"a": LONG}, {"properties": {"a": {"oneOf": [{"pattern": HOSTILE}, {"type": "string"}]}}}),
        ({"a": LONG}, {"properties": {"a": {"if": {"pattern": HOSTILE}, "then": False}}}),
        ({"a": LONG}, {"properties": {"a": {"not": {"not": {"not": {"pattern": HOSTILE}}}}}}),
        ({"a": [LONG]}, {"properties": {"a": {"contains": {"pattern": HOSTILE}, "maxContains": 0}}}),
        ({"a": [[n] if n % 2 else n for n in range(40_000)]}, {"properties": {"a": {"uniqueItems": True}}}),
        ({"a": 1}, _doubling(40)),
        ({"pattern": "[\u0100-\uffff]" * 20_000}, {"$ref": "https://json-schema.org/draft/2020-12/schema"}),
        ({"pattern": "[\u0100-\uffff]" * 20_000}, {"$id": "https://json-schema.org/draft/2020-12/mine", "$dynamicRef": "schema"}),
        ({"a": "[\u0100-\uffff]" * 20_000}, {"properties": {"a": {"format": "regex"}}}),
    ],
)
def test_what_would_take_for_ever_is_let_pass(value: dict[str, Any], schema: dict[str, Any]) -> None:
    """Wherever a pattern stands, whatever dialect its part says to be in, and what else grows without measure."""
    began = time.perf_counter()
    check(value, schema)
    assert time.perf_counter() - began < SOON


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ({"a": "no"}, {"properties": {"a": {"pattern": r"^[^@]+@[^@]+\.[^@]+$"}}}),
        ({"a": "x" * 36}, {"properties": {"a": {"pattern": "^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$"}}}),
        ({"a": "A" * 1000}, {"properties": {"a": {"pattern": "[a-z]+$"}}}),
        ({"ab": "1"}, {"patternProperties": {"^a": {"type": "integer"}}}),
        ({"b": 1}, {"patternProperties": {"^a": True}, "additionalProperties": False}),
        ({"b": 1}, {"properties": {"a": True}, "unevaluatedProperties": False}),
        ({"a": [1, 1]}, {"properties": {"a": {"uniqueItems": True}}}),
        ({"a": "b"}, {"properties": {"a": {"not": {"pattern": "^b"}}}}),
        ({"a": "("}, {"properties": {"a": {"format": "regex"}}}),
        ({"a": LONG, "b": "x"}, {"properties": {"a": {"pattern": HOSTILE}, "b": {"type": "integer"}}}),
        ({"a": "x"}, {"properties": {"$schema": {"type": "string"}, "a": {"type": "integer"}}, "$schema": DIALECT}),
        ({"$schema": 1}, {"properties": {"$schema": {"type": "string"}}}),
    ],
)
def test_all_else_is_looked_at(value: dict[str, Any], schema: dict[str, Any]) -> None:
    """What can be said in time is said, beside what cannot."""
    with pytest.raises(DoesNotFit):
        check(value, schema)


@pytest.mark.parametrize("pattern", ["(", "a{99999999999999999999}", "(" * 450 + ")" * 450 + "(", "a" * 1001])
def test_the_effort_of_what_is_no_pattern(pattern: str) -> None:
    """Is not known: it is never searched for."""
    assert effort(pattern, 1) == math.inf


@pytest.mark.parametrize(
    ("pattern", "length", "most"),
    [("^[a-z]+$", 1000, 10_000), ("[a-z]+$", 1000, 10_000_000), (r"^[^@]+@[^@]+\.[^@]+$", 60, 1_000_000), ("^(a|b)*$", 500, 10_000)],
)
def test_the_effort_of_what_is_usual(pattern: str, length: int, most: int) -> None:
    """Is small."""
    assert length < effort(pattern, length) < most


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+$", "(a|aa)+$", "(a*)*$", "(?:(?:){65535}){65535}", ".*.*.*.*.*x", "(?=(a+)+$)b", r"(a*)\1*\1*\1*b", "(?:a?){30}a{30}"],
)
def test_the_effort_of_what_is_hostile(pattern: str) -> None:
    """Is beyond anything that is allowed."""
    assert effort(pattern, 40) > 50_000_000
