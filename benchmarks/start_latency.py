"""From the creation of a run to the flow's first line, the worker idle: milliseconds, p50 and p99.

The clock starts before the request that creates the run is sent; the flow's first line prints the time, which is read from the run's log.
One run at a time, the next when the last has ended. With --spawn each run starts in a fresh interpreter (its job sets a PYTHON variable).
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from harness.house import POOL, House, add_arguments, house
from harness.results import median, parser, percentile, tell

WARM_UP = 5
END_S = 60.0


def one(home: House, deployment: str) -> float:
    """Milliseconds from the creation of one run to its first line."""
    created = time.time_ns()
    run = home.rest.run(deployment)
    home.rest.await_end(run, END_S)
    return (home.rest.began_ns(run) - created) / 1e6


def measure(given: argparse.Namespace) -> list[float]:
    """All latencies in milliseconds; the first few, which load what is loaded once, are left out."""
    variables: dict[str, Any] = {"job_variables": {"env": {"PYTHONHASHSEED": "0"}}} if given.spawn else {}
    with house(given) as home:
        deployment = home.rest.deployment("stamp", "start-latency", POOL, **variables)
        try:
            latencies = [one(home, deployment) for _ in range(WARM_UP + given.runs)]
        finally:
            home.rest.delete_deployment(deployment)
    return latencies[WARM_UP:]


def main() -> None:
    """Measures, then tells."""
    arguments = parser(__doc__)
    add_arguments(arguments)
    arguments.add_argument("--runs", type=int, default=200, help="runs that count")
    arguments.add_argument("--spawn", action="store_true", help="a fresh interpreter for each run")
    given = arguments.parse_args()
    latencies = measure(given)
    kind = "spawn" if given.spawn else "fork"
    tell("start_latency", f"{kind}_p50", median(latencies), "ms", n=given.runs, most=150 if given.spawn else 10)
    tell("start_latency", f"{kind}_p99", percentile(latencies, 0.99), "ms", n=given.runs, most=None if given.spawn else 40)
    tell("start_latency", f"{kind}_worst", max(latencies), "ms", n=given.runs)


if __name__ == "__main__":
    main()
