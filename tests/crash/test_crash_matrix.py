"""A part of the crash matrix, small enough for every run of the tests; `make crash-matrix` plays the whole."""

from __future__ import annotations

import shutil

import pytest

from crash.faults import FAULTS
from crash.matrix import Cell, cells, play
from crash.rig import can_mount

PART = [
    Cell("claimed", "kill daemon", "crash"),
    Cell("preparing", "kill daemon", "retry"),
    Cell("starting", "kill keeper", "crash"),
    Cell("running", "kill daemon", "crash"),
    Cell("running", "stop host", "retry"),
    Cell("running", "clock forward", "retry"),
    Cell("running", "clock there and back", "retry"),
    Cell("claimed", "disk full", "crash"),
    Cell("ending", "kill server", "crash"),
    Cell("reporting", "API half-open", "retry"),
    Cell("reporting", "kill daemon", "crash"),
    Cell("draining", "kill daemon", "retry"),
]


@pytest.mark.parametrize("cell", PART, ids=str)
def test_nothing_is_lost_and_nothing_is_twice(cell: Cell) -> None:
    """The run ends as it must, once; no line, lease, process or file is left or lost."""
    if FAULTS[cell.fault].small_disk and not can_mount():
        pytest.skip("mounting a small disk takes root")
    if FAULTS[cell.fault].sets_clocks and shutil.which("gcc") is None:
        pytest.skip("needs gcc: apt-get install build-essential")
    assert list(play(cell, [1])) == [[]]


def test_the_matrix_is_whole() -> None:
    """Every point and every fault is in it, under both policies, and the part is of it."""
    whole = set(cells())
    assert set(PART) <= whole
    assert len(whole) > 200
