"""`python -m crash`: the whole matrix, its table in Markdown.

`--seeds N` plays each cell N times, `--only TEXT` plays the cells whose name holds the text.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .faults import FAULTS
from .matrix import POINTS, Cell, cells, play


def main() -> int:
    """The exit code: 1 when a cell failed."""
    parser = argparse.ArgumentParser(prog="crash", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=4, help="cells at once; they mostly wait")
    parser.add_argument("--batch", type=int, default=5, help="seeds that share a server and a home")
    parser.add_argument("--table", type=Path)
    options = parser.parse_args()
    chosen = [cell for cell in cells() if options.only in str(cell)]
    seeds = range(options.first, options.first + options.seeds)
    began, passed, failed = time.perf_counter(), Counter[Cell](), Counter[Cell]()

    def several(work: tuple[Cell, Sequence[int]]) -> None:
        cell, left = work
        while left:
            for seed, problems in zip(left, play(cell, left), strict=False):
                (failed if problems else passed)[cell] += 1
                print(f"{'FAILED' if problems else 'ok':7}{cell}, seed {seed}", *problems, sep="\n        ", flush=True)
                left = left[1:]

    batches = [seeds[at : at + options.batch] for at in range(0, len(seeds), options.batch)]
    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(several, [(cell, batch) for batch in batches for cell in chosen]))
    took = time.perf_counter() - began
    text = table(passed, failed)
    summary = f"{passed.total() + failed.total()} plays of {len(chosen)} cells in {took / 60:.0f} minutes, {failed.total()} failed"
    print(text, summary, sep="\n")
    if options.table:
        options.table.write_text(f"{text}\n{summary}\n")
    return 1 if failed else 0


def table(passed: Counter[Cell], failed: Counter[Cell]) -> str:
    """How often each cell held, of how often it was played: crash policy / retry policy."""
    lines = [f"| | {' | '.join(POINTS)} |", f"| --- |{' --- |' * len(POINTS)}"]
    for fault in FAULTS:
        row = [" / ".join(_count(Cell(point, fault, policy), passed, failed) for policy in ("crash", "retry")) for point in POINTS]
        lines.append(f"| {fault} | {' | '.join(row)} |")
    return "\n".join(lines)


def _count(cell: Cell, passed: Counter[Cell], failed: Counter[Cell]) -> str:
    played = passed[cell] + failed[cell]
    return f"{passed[cell]} of {played}" if played else "–"


if __name__ == "__main__":
    sys.exit(main())
