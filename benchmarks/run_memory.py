"""A sleeping run's own memory (USS): what it needs beyond the pages that it shares with the warm process it was forked from."""

from __future__ import annotations

import argparse
from typing import Final

from harness.footprint import Process, uss_mib
from harness.house import POOL, House, add_arguments, await_true, house
from harness.results import median, parser, tell

START_S: Final = 60.0


def sleeping(home: House, others: set[int]) -> list[Process]:
    """The processes that were not there before the runs began."""
    return [process for process in home.processes() if process.pid not in others]


def measure(given: argparse.Namespace) -> list[float]:
    """The USS of each sleeping run in MiB."""
    with house(given) as home:
        deployment = home.rest.deployment("sleeper", "run-memory", POOL)
        try:
            home.rest.await_end(home.rest.run(deployment, parameters={"seconds": 0}), START_S)
            others = {process.pid for process in home.processes()}
            for _ in range(given.runs):
                home.rest.run(deployment, parameters={"seconds": 600})
            await_true(lambda: home.rest.count(deployment, "RUNNING") == given.runs, START_S, "the runs did not all begin")
            return [uss_mib(process.pid) for process in sleeping(home, others)]
        finally:
            home.rest.delete_deployment(deployment)


def main() -> None:
    """Reads the arguments, measures, tells."""
    arguments = parser(__doc__)
    add_arguments(arguments)
    arguments.add_argument("--runs", type=int, default=20, help="runs that sleep at once")
    given = arguments.parse_args()
    sizes = measure(given)
    tell("run_memory", "sleeping_run_uss_p50", median(sizes), "MiB", n=len(sizes), most=8)
    tell("run_memory", "sleeping_run_uss_worst", max(sizes), "MiB", n=len(sizes))
    tell("run_memory", "processes_per_run", len(sizes) / given.runs, "processes", n=given.runs)


if __name__ == "__main__":
    main()
