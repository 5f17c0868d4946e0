"""`python -m simulation 123`: one seed with its trace. `python -m simulation --seeds 2000 [--from N]`: many, and which of them fail; on all
cores, unless `--jobs` says on how many.

`--plant "no fence"` puts one of the faults of `simulation.plants` in, to see it found.
"""

from __future__ import annotations

import argparse
import os
import sys

from .many import many, quiet
from .plants import PLANTS, Plant
from .simulation import simulate


def main() -> int:
    """The exit code: 1 when a seed fails."""
    parser = argparse.ArgumentParser(prog="simulation", description=__doc__)
    parser.add_argument("seed", nargs="?", type=int)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once; each has seeds of its own")
    parser.add_argument("--plant", choices=list(PLANTS))
    options = parser.parse_args()
    quiet()
    if options.seed is not None:
        return one(options.seed, PLANTS.get(options.plant))
    return many(options.first, options.seeds, options.jobs, options.plant)


def one(seed: int, plant: Plant | None) -> int:
    """Shows what happens in one seed."""
    result = simulate(seed, plant)
    print(result.story)
    print(*result.violations or ["all is well"], sep="\n")
    return 1 if result.violations else 0


if __name__ == "__main__":
    sys.exit(main())
