"""Which task run a value came from."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from flowhand.sdk.task_results import KEPT, SMALL, TaskResults


class Thing:
    """Can be referred to weakly."""


@pytest.mark.parametrize("value", [Thing(), [1, "a"], {"a": None}, "x" * 40, 12345, 1.5, (1, 2)], ids=lambda value: type(value).__name__)
def test_a_value_is_known_by_identity(value: Any) -> None:
    """The very object; an equal one is another."""
    results = TaskResults()
    results.remember(value, "a")
    assert results.origin(value) == "a"
    results.remember(value, "b")
    assert results.origin(value) == "b"
    assert TaskResults().origin(value) is None


@pytest.mark.parametrize(
    "value",
    [None, True, 7, -5, ..., Thing, "x" * 2 * SMALL, [object()], list(range(SMALL))],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_what_cannot_be_told_or_is_large_is_not_kept(value: Any) -> None:
    """Values that are one object everywhere, and those that would keep memory."""
    results = TaskResults()
    results.remember(value, "a")
    assert results.origin(value) is None


def test_nothing_large_is_held_on_to() -> None:
    """An object that can be referred to weakly goes when its owner lets go."""
    gone: list[int] = []

    class Large:
        def __del__(self) -> None:
            gone.append(1)

    results = TaskResults()
    results.remember(Large(), "a")
    gc.collect()
    assert gone == [1]


def test_the_oldest_is_forgotten() -> None:
    """Beyond a fixed number."""
    results, values = TaskResults(), [[index] for index in range(KEPT + 1)]
    for value in values:
        results.remember(value, "a")
    assert results.origin(values[0]) is None
    assert results.origin(values[1]) == results.origin(values[-1]) == "a"
