"""What is kept of the plays of the crash matrix."""

from __future__ import annotations

from pathlib import Path

from crash.matrix import Cell
from crash.results import Result, Results

CELL = Cell("running", "kill daemon", "crash")


def test_what_was_played_is_not_played_again(tmp_path: Path) -> None:
    """A file that was left is continued: what is in it is not missing, and a failed play only when it is to be had again."""
    path = tmp_path / "results.jsonl"
    before = Results(path)
    before.add(Result(CELL, 0, "1234567", ()))
    before.add(Result(CELL, 1, "1234567", ("a line is lost",)))
    after = Results(path)
    assert after.missing(CELL, range(4), failed_too=False) == [2, 3]
    assert after.missing(CELL, range(4), failed_too=True) == [1, 2, 3]
    assert [result.seed for result in after.failed([CELL])] == [1]


def test_the_table_counts_the_last_play_of_a_seed(tmp_path: Path) -> None:
    """A play that failed is in the table until it has held; cells that were not played are dashes."""
    results = Results(tmp_path / "results.jsonl")
    results.add(Result(CELL, 0, "1234567", ()))
    results.add(Result(CELL, 1, "1234567", ("a line is lost",)))
    assert "| kill daemon | – | – | – | – | 1/2 | – | – | – |" in results.table()
    results.add(Result(CELL, 1, "89abcde", ()))
    assert "| kill daemon | – | – | – | – | 2/2 | – | – | – |" in results.table()
    assert results.table().endswith("2 plays (1 at 1234567, 1 at 89abcde), 2 held")
