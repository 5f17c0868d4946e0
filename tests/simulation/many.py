"""Many seeds, on many cores: each is a story of its own."""

from __future__ import annotations

import logging
import multiprocessing
import time
from functools import partial
from typing import Final, NamedTuple

import structlog

from .plants import PLANTS
from .simulation import simulate

_AT_ONCE: Final = 16
"""Seeds that a process is given at a time."""


class Verdict(NamedTuple):
    """What a seed came to."""

    seed: int
    violation: str | None
    simulated_s: float
    cpu_s: float


def quiet() -> None:
    """The daemons of a simulation have a lot to say."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def many(first: int, count: int, jobs: int, plant: str | None) -> int:
    """Runs many seeds and names those that fail, as they are found."""
    began, simulated, cpu, failed = time.perf_counter(), 0.0, 0.0, 0
    with multiprocessing.get_context("spawn").Pool(min(jobs, count), quiet) as pool:
        for verdict in pool.imap_unordered(partial(_verdict, plant=plant), range(first, first + count), chunksize=_AT_ONCE):
            simulated, cpu = simulated + verdict.simulated_s, cpu + verdict.cpu_s
            if verdict.violation is not None:
                failed += 1
                print(f"seed {verdict.seed}: {verdict.violation}", flush=True)
    took = time.perf_counter() - began
    print(f"{count} seeds, {simulated / 3600:.1f} simulated hours in {took:.1f} s, {count / took:.0f} a second; {failed} failed")
    print(f"{jobs} processes, {1000 * cpu / count:.0f} ms of CPU a seed")
    return 1 if failed else 0


def _verdict(seed: int, plant: str | None) -> Verdict:
    began = time.process_time()
    result = simulate(seed, PLANTS.get(plant or ""))
    return Verdict(seed, next(iter(result.violations), None), result.seconds, time.process_time() - began)
