"""From an event to the first line of the flow that it runs: milliseconds, p50 and p99, server and worker idle otherwise.

An automation runs a deployment when an event is emitted. The clock starts before the request that carries the event is sent; the flow's
first line prints the time, which is read from the run's log. With --states the event is the end of another run, and the clock starts with
its Completed state. One event at a time, the next when the run has ended.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import datetime

from harness.house import POOL, add_arguments, await_true, house
from harness.rest import Rest
from harness.results import median, parser, percentile, tell

from flowhand.clock import to_iso
from flowhand.ids import new_id

WARM_UP = 5
END_S = 60.0
REACT_S = 10.0
EVENT = "benchmark.reaction"
ANY = ("SCHEDULED", "PENDING", "RUNNING", "COMPLETED", "FAILED", "CRASHED")


def emitted(rest: Rest) -> int:
    """Emits the event; when, in nanoseconds."""
    begun = time.time_ns()
    event = {"id": new_id(), "occurred": to_iso(begun // 1000), "event": EVENT, "resource": {"prefect.resource.id": "benchmark"}}
    rest.post("/events", [event])
    return begun


def ended(rest: Rest, deployment: str) -> int:
    """Runs a deployment to its end; when that was, in nanoseconds."""
    run = rest.await_end(rest.run(deployment), END_S)
    return round(datetime.fromisoformat(run["state"]["timestamp"]).timestamp() * 1e9)


def reaction(rest: Rest, deployment: str, happen: Callable[[], int], known: set[str]) -> float:
    """Milliseconds from one happening to the first line of the run that it causes; `known` grows by that run."""
    begun = happen()
    await_true(lambda: rest.count(deployment, *ANY) > len(known), REACT_S, "the automation did not run its deployment")
    (run,) = {run["id"] for run in rest.runs(deployment, *ANY)} - known
    known.add(run)
    rest.await_end(run, END_S)
    return (rest.began_ns(run) - begun) / 1e6


def measure(given: argparse.Namespace) -> list[float]:
    """All reactions in milliseconds; the first few, which load what is loaded once, are left out."""
    with house(given) as home:
        rest = home.rest
        before = rest.deployment("stamp", "reaction-cause", POOL)
        after = rest.deployment("stamp", "reaction", POOL)
        trigger = {"type": "event", "posture": "Reactive", "expect": [EVENT]}
        if given.states:
            related = {"prefect.resource.role": "deployment", "prefect.resource.id": f"prefect.deployment.{before}"}
            trigger |= {"expect": ["prefect.flow-run.Completed"], "match_related": related}
        action = {"type": "run-deployment", "source": "selected", "deployment_id": after}
        owner = f"prefect.deployment.{after}"  # the automation goes with its deployment
        rest.post("/automations/", {"name": "reaction", "trigger": trigger, "actions": [action], "owner_resource": owner})
        known: set[str] = set()
        try:
            happen = (lambda: ended(rest, before)) if given.states else (lambda: emitted(rest))
            return [reaction(rest, after, happen, known) for _ in range(WARM_UP + given.events)][WARM_UP:]
        finally:
            rest.delete_deployment(after)
            rest.delete_deployment(before)


def main() -> None:
    """Measures, then tells."""
    arguments = parser(__doc__)
    add_arguments(arguments)
    arguments.add_argument("--events", type=int, default=100, help="events that count")
    arguments.add_argument("--states", action="store_true", help="the event is the end of another run")
    given = arguments.parse_args()
    found = measure(given)
    kind = "state" if given.states else "event"
    tell("reaction", f"{kind}_p50", median(found), "ms", n=given.events)
    tell("reaction", f"{kind}_p99", percentile(found, 0.99), "ms", n=given.events, most=100)
    tell("reaction", f"{kind}_worst", max(found), "ms", n=given.events)


if __name__ == "__main__":
    main()
