"""What a body may be: JSON that can be stored and answered again."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowhand_server.routes.json_body import strict_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure
@given(VALUES)
def test_what_can_be_written_is_read(value: object) -> None:
    """As it was."""
    body = json.dumps(value).encode()
    assert strict_json(body) == value
    assert orjson.loads(orjson.dumps(strict_json(body))) == value


@pytest.mark.parametrize(
    "body",
    [
        b"18446744073709551616",
        b"[-9223372036854775809]",
        b'{"a": ' + b"1" * 5000 + b"}",
        b"NaN",
        b"[Infinity]",
        rb'"\ud800"',
        b"[" * 300 + b"]" * 300,
        b"[" * 100_000,
        b'{"a": 1',
        b"",
    ],
)
def test_what_cannot_be_stored_is_refused(body: bytes) -> None:
    """Each as an error of JSON, which routes answer with 422."""
    with pytest.raises(json.JSONDecodeError):
        strict_json(body)


def test_long_digits_that_are_no_number_are_welcome() -> None:
    """In a text, after the point, and the largest numbers there are."""
    body = b'["12345678901234567890123", 0.12345678901234567890123, 18446744073709551615, -9223372036854775808]'
    assert strict_json(body) == ["12345678901234567890123", 0.12345678901234568, 2**64 - 1, -(2**63)]
