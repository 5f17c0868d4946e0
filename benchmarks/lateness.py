"""Actual start minus scheduled time of a deployment that is scheduled once a second: milliseconds, p50 and p99.

Below zero would mean that a run began before its time, which never may be.
"""

from __future__ import annotations

import argparse
import time
from datetime import datetime
from typing import Any, Final

from harness.house import POOL, House, add_arguments, await_true, house
from harness.results import median, parser, percentile, tell

SETTLE_S: Final = 5.0
"""Seconds at the start that do not count: the scheduler has just met the deployment."""


def lateness_ms(home: House, run: dict[str, Any]) -> float:
    """How late one run began."""
    return home.rest.began_ns(run["id"]) / 1e6 - due(run) * 1000


def due(run: dict[str, Any]) -> float:
    """When it was to begin, in seconds since the epoch."""
    return datetime.fromisoformat(run["expected_start_time"]).timestamp()


def measure(given: argparse.Namespace) -> list[float]:
    """The lateness of each scheduled run, in milliseconds."""
    with house(given) as home:
        counts_from = time.time() + SETTLE_S
        schedule = {"schedule": {"interval": 1.0}, "active": True}
        deployment = home.rest.deployment("stamp", "lateness", POOL, schedules=[schedule])

        def enough() -> bool:
            return home.rest.count(deployment, "COMPLETED") >= given.runs + SETTLE_S

        try:
            await_true(enough, given.runs * 2 + 60, f"{given.runs} scheduled runs did not complete in twice their time")
            runs = list(home.rest.runs(deployment, "COMPLETED"))
        finally:
            home.rest.delete_deployment(deployment)
        return [lateness_ms(home, run) for run in runs if due(run) > counts_from]


def main() -> None:
    """Measures, then tells."""
    arguments = parser(__doc__)
    add_arguments(arguments)
    arguments.add_argument("--runs", type=int, default=30, help="scheduled runs to wait for, one a second")
    late = measure(arguments.parse_args())
    tell("lateness", "p50", median(late), "ms", n=len(late))
    tell("lateness", "p99", percentile(late, 0.99), "ms", n=len(late), most=10)
    tell("lateness", "earliest", min(late), "ms", n=len(late), least=0)


if __name__ == "__main__":
    main()
