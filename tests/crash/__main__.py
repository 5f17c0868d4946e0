"""`python -m crash`: the whole matrix, its table in Markdown.

`--seeds N` plays each cell N times, `--only TEXT` plays the cells whose name holds the text. With `--results FILE` what was played is kept
there, and the next call plays what is missing: it may be ended at any moment. `--table` plays nothing and makes the table of that file.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Final

from .matrix import Cell, cells, play
from .results import Result, Results, commit_here

_TRIES: Final = 3
"""How often a cell is set up at most when that fails."""


def main() -> int:
    """The exit code: 1 when a cell failed."""
    options = _options()
    results = Results(options.results)
    if options.table:
        print(results.table())
        return 0
    chosen = [cell for cell in cells() if options.only in str(cell)]
    seeds = range(options.first, options.first + options.seeds)
    began = time.perf_counter()
    player = Player(results, until=time.monotonic() + options.at_most)
    missing = [(cell, results.missing(cell, seeds, failed_too=options.again)) for cell in chosen]
    batches = [(cell, left[at : at + options.batch]) for cell, left in missing for at in range(0, len(left), options.batch)]
    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(player.several, batches))
    failed = results.failed(chosen)
    took, cpu = (
        time.perf_counter() - began,
        sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)),
    )
    print(results.table(), *failed, sep="\n")
    print(
        f"{player.played} plays of {len(chosen)} cells in {took / 60:.1f} minutes, {cpu:.0f} s of CPU without keepers; {len(failed)} failed"
    )
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="crash", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=4, help="cells at once; they mostly wait")
    parser.add_argument("--batch", type=int, default=20, help="seeds that share a server and a home")
    parser.add_argument("--results", type=Path, help="where the results are kept, and continued from")
    parser.add_argument("--again", action="store_true", help="plays those that failed again")
    parser.add_argument("--at-most", type=float, default=float("inf"), help="seconds after which no more plays begin")
    parser.add_argument("--table", action="store_true")
    return parser.parse_args()


class Player:
    """Plays cells from many threads, and writes down what came of it."""

    def __init__(self, results: Results, until: float) -> None:
        self.played = 0
        self._results = results
        self._until = until
        self._commit = commit_here()

    def several(self, work: tuple[Cell, Sequence[int]]) -> None:
        """Plays a cell with some seeds; those after one that failed are played on a server and in a home of their own."""
        cell, left = work
        tries = _TRIES
        while left and tries and time.monotonic() < self._until:
            try:
                left = self._play(cell, left)
            except AssertionError as error:  # nothing was played: the machine is too busy even to start a server in time
                tries -= 1
                print(f"{cell} could not be set up: {str(error)[:300]}", flush=True)

    def _play(self, cell: Cell, left: Sequence[int]) -> Sequence[int]:
        """Plays them until one fails or the time is up; those that are left."""
        with closing(play(cell, left)) as plays:
            for problems in plays:
                result = Result(cell, left[0], self._commit, tuple(problems))
                self._results.add(result)
                self.played += 1
                print(result, flush=True)
                left = left[1:]
                if time.monotonic() > self._until:
                    break
        return left


if __name__ == "__main__":
    sys.exit(main())
