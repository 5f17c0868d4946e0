"""Which events a filter asks for (contract 8.2), case by case."""

from __future__ import annotations

from typing import Any

import pytest

from flowhand.wire.events import EventFilter
from flowhand_server.events.matching import label_fits, matches

EVENT: dict[str, Any] = {
    "id": "11111111-1111-4111-8111-111111111111",
    "event": "prefect.flow-run.Failed",
    "resource": {"prefect.resource.id": "prefect.flow-run.1", "colour": "red"},
    "related": [
        {"prefect.resource.id": "prefect.flow.1", "prefect.resource.role": "flow", "size": "small"},
        {"prefect.resource.id": "prefect.tag.x", "prefect.resource.role": "tag"},
    ],
    "payload": {"why": "no space left"},
}


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        ({}, True),
        ({"event": {"name": ["prefect.flow-run.Failed"]}}, True),
        ({"event": {"name": ["prefect.flow-run.Completed"]}}, False),
        ({"event": {"prefix": ["prefect.flow-run.*"]}}, True),
        ({"event": {"exclude_prefix": ["prefect."]}}, False),
        ({"event": {"exclude_name": ["prefect.flow-run.Failed"]}}, False),
        ({"resource": {"id": ["prefect.flow-run.1"]}}, True),
        ({"resource": {"id_prefix": ["prefect.task-run."]}}, False),
        ({"resource": {"labels": {"colour": ["blue", "red"]}}}, True),
        ({"resource": {"labels": {"colour": "red", "shape": "round"}}}, False),
        ({"related": {"role": ["flow"], "labels": {"size": "small"}}}, True),
        ({"related": {"role": ["tag"], "labels": {"size": "small"}}}, False),
        ({"related": [{"role": ["flow"]}, {"id": ["prefect.tag.x"]}]}, True),
        ({"related": [{"role": ["flow"]}, {"id": ["prefect.tag.y"]}]}, False),
        ({"related": {"resources_in_roles": [["prefect.flow.1", "flow"]]}}, True),
        ({"related": {"resources_in_roles": [["prefect.flow.1", "tag"]]}}, False),
        ({"related": {}}, True),
        ({"any_resource": {"id": ["prefect.tag.x"]}}, True),
        ({"any_resource": {"id": ["prefect.flow-run.1"]}}, True),
        ({"any_resource": {"id_prefix": ["elsewhere"]}}, False),
        ({"id": {"id": ["11111111-1111-4111-8111-111111111111"]}}, True),
        ({"id": {"id": ["22222222-2222-4222-8222-222222222222"]}}, False),
        ({"id": {"id": []}}, True),
        ({"text": {"query": "space"}}, True),
        ({"text": {"query": "+space -left"}}, False),
        ({"text": {"query": "nothing SMALL"}}, True),
    ],
)
def test_filters(wanted: dict[str, Any], fits: bool) -> None:
    """Each part of a filter says yes or no by itself."""
    assert matches(EventFilter.model_validate(wanted), EVENT) is fits


@pytest.mark.parametrize(
    ("wanted", "value", "fits"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("a*", "abc", True),
        ("*", "anything", True),
        ("*", None, False),
        ("!a", "b", True),
        ("!a", "a", False),
        ("!a*", "abc", False),
        ("!a", None, True),
    ],
)
def test_labels(wanted: str, value: str | None, fits: bool) -> None:
    """`*` at the end stands for anything, `!` before turns it round, a label that is not there is none."""
    assert label_fits(wanted, value) is fits
