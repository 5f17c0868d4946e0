"""`python -m simulation 123`: one seed with its trace. `python -m simulation --seeds 2000 [--from N]`: many, and which of them fail.

`--plant "no fence"` puts one of the faults of `simulation.plants` in, to see it found.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time

import structlog

from .plants import PLANTS, Plant
from .simulation import simulate


def main() -> int:
    """The exit code: 1 when a seed fails."""
    parser = argparse.ArgumentParser(prog="simulation", description=__doc__)
    parser.add_argument("seed", nargs="?", type=int)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--plant", choices=list(PLANTS))
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    plant = PLANTS[options.plant] if options.plant else None
    if options.seed is not None:
        return one(options.seed, plant)
    return many(options.first, options.seeds, plant)


def one(seed: int, plant: Plant | None) -> int:
    """Shows what happens in one seed."""
    result = simulate(seed, plant)
    print(result.story)
    print(*result.violations or ["all is well"], sep="\n")
    return 1 if result.violations else 0


def many(first: int, count: int, plant: Plant | None) -> int:
    """Runs many seeds and names those that fail."""
    began, simulated, failed = time.perf_counter(), 0.0, []
    for seed in range(first, first + count):
        result = simulate(seed, plant)
        simulated += result.seconds
        if result.violations:
            failed.append(seed)
            print(f"seed {seed}: {result.violations[0]}", flush=True)
    took = time.perf_counter() - began
    print(f"{count} seeds, {simulated / 3600:.1f} simulated hours in {took:.1f} s; {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
