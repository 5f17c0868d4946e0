"""A part of the crash matrix, small enough for every run of the tests; `make crash-matrix` plays the whole."""

from __future__ import annotations

import pytest

from crash.matrix import Cell, cells, play

PART = [
    Cell("claimed", "kill daemon", "crash"),
    Cell("preparing", "kill daemon", "retry"),
    Cell("starting", "kill keeper", "crash"),
    Cell("running", "kill daemon", "crash"),
    Cell("running", "stop host", "retry"),
    Cell("ending", "kill server", "crash"),
    Cell("reporting", "API half-open", "retry"),
    Cell("reporting", "kill daemon", "crash"),
    Cell("draining", "kill daemon", "retry"),
]


@pytest.mark.parametrize("cell", PART, ids=str)
def test_nothing_is_lost_and_nothing_is_twice(cell: Cell) -> None:
    """The run ends as it must, once; no line, lease, process or file is left or lost."""
    assert list(play(cell, [1])) == [[]]


def test_the_matrix_is_whole() -> None:
    """Every point and every fault is in it, under both policies, and the part is of it."""
    whole = set(cells())
    assert set(PART) <= whole
    assert len(whole) > 120
