"""Templates of actions: what they can do, and what they must not be able to do to the server."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from flowhand_server.automations.templating import BadTemplate, compiled, looks_like_one, render

VALUES: dict[str, Any] = {
    "event": {
        "resource": {"id": "a.b", "labels": {"colour": "red"}},
        "payload": {"n": 5, "items": ["x", "y"], "evil": "{{ 7 * 7 }}"},
        "occurred": datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
    },
    "big": "a" * 1_000_000,
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ event.resource.id }}-{{ event.payload.n }}", "a.b-5"),
        ("{{ event.resource.labels['colour'] | upper }}", "RED"),
        ("{{ event.payload.items | join(', ') }}", "x, y"),
        ("{% for x in event.payload['items'] %}{{ loop.index }}{{ x }}{% endfor %}", "1x2y"),
        ("{% if event.payload.n > 3 %}much{% else %}little{% endif %}", "much"),
        ("{{ event.occurred.isoformat() }}", "2026-01-02T03:04:00+00:00"),
        ("{{ event.payload | tojson }}", '{"n":5,"items":["x","y"],"evil":"{{ 7 * 7 }}"}'),
        ("{{ event.resource.labels.items() | list }}", "[('colour', 'red')]"),
        ("{{ nothing.at['all'] | default('-') }}", "-"),
        ("{{ 'a-b' | replace('-', '+') }}", "a+b"),
    ],
)
def test_a_template_is_filled_in(template: str, text: str) -> None:
    """Values, labels, filters, conditions and loops; what is not there is empty."""
    assert render(template, VALUES) == text


def test_what_is_put_in_is_no_template() -> None:
    """What comes from an event stays what it is, braces and all."""
    assert render("{{ event.payload.evil }}", VALUES) == "{{ 7 * 7 }}"


@pytest.mark.parametrize(
    "template",
    [
        "{{ 'a' * 10**9 }}",
        "{{ big + big }}",
        "{% for x in range(100000000) %}{% endfor %}",
        "{% for x in range(9) %}{% for y in range(9) %}{% endfor %}{% endfor %}",
        "{% for x in range(9) %}{% if x %}{% for y in range(9) %}{% endfor %}{% endif %}{% endfor %}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% for x in range(10000) %}{{ big }}{% endfor %}",
        "{{ big }}{{ big }}",
        "{% set x = big ~ big %}",
        "{{ big ~ big }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% include 'x' %}",
        "{% import 'x' as x %}",
        "{{ 'a'.ljust(1000000000) }}",
        "{{ 'a'.format(1) }}",
        "{{ 'a' | center(1000000000) }}",
        "{{ '%999999999d' | format(1) }}",
        "{{ '%999999999d' % 1 }}",
        "{{ big | replace('a', 'aaaa') }}",
        "{{ event.payload.items | join(big) }}",
        "{{ (1).to_bytes(1000000000) }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ event | attr('__class__') }}",
        "{{ [].append(1) }}",
        "{{ lipsum() }}",
        "{{ cycler.__init__.__globals__ }}{{ cycler() }}",
        "{{ event.payload.n / 0 }}",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{{ a }}" * 201,
        "{{ unclosed",
        "x" * 100_001,
    ],
)
def test_a_hostile_template_is_refused_at_once(template: str) -> None:
    """Neither memory nor time of the server is to be had by one, nor what lies behind its objects."""
    begun = time.monotonic()
    with pytest.raises(BadTemplate):
        render(template, VALUES)
    assert time.monotonic() - begun < 5


def test_what_lies_behind_an_object_is_empty() -> None:
    """Names that begin with an underscore, and methods that are not on the list."""
    assert render("{{ ''.__class__ }}{{ event.__init__ }}{{ event.occurred.tzinfo }}", VALUES) == ""


def test_the_place_of_a_mistake_is_told() -> None:
    """With its line."""
    with pytest.raises(BadTemplate) as told:
        compiled("one\n{% if %}")
    assert told.value.line == 2


def test_a_text_without_braces_is_no_template() -> None:
    """It stays as it is."""
    assert [looks_like_one(text) for text in ("a { b }", "{{ a }}", "{% if a %}{% endif %}")] == [False, True, True]
