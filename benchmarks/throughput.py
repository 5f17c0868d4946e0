"""No-op runs through one worker, states and logs kept: runs a second, and CPU milliseconds a run over all processes together.

The runs are made while the pool is paused and are all due when it resumes; the time goes from the resumption to the last Completed.
With --live they are made while the worker takes them, by four connections, and the time goes from the first creation; this program's own
CPU does not count, but it has the same cores. Afterwards states and log lines of a sample of runs are counted: each must be there once.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from harness.footprint import cpu_seconds
from harness.house import POOL, House, add_arguments, await_true, house
from harness.results import note, parser, tell

WARM_UP: Final = 50
CREATORS: Final = 4
CHECKED: Final = 100
"""About so many runs, spread over all, have their logs and states read back."""


def create(home: House, deployment: str, runs: int) -> None:
    """Makes runs that are due at once, by several connections."""
    with ThreadPoolExecutor(CREATORS) as pool:
        for made in [pool.submit(home.rest.run, deployment) for _ in range(runs)]:
            made.result()


def drain(home: House, deployment: str, runs: int, limit_s: float) -> None:
    """Until so many runs of the deployment have completed."""
    await_true(lambda: home.rest.count(deployment, "COMPLETED") >= runs, limit_s, f"{runs} runs did not complete within {limit_s:g} s")


def through(home: House, deployment: str, already: int, runs: int, live: bool, limit_s: float) -> tuple[float, dict[str, float]]:
    """Wall seconds for `runs` more runs, and CPU seconds by role."""
    if not live:
        home.rest.pause_pool(POOL, paused=True)
        create(home, deployment, runs)
    cpu, began = cpu_seconds(home.processes()), time.perf_counter()
    if live:
        create(home, deployment, runs)
    else:
        home.rest.pause_pool(POOL, paused=False)
    drain(home, deployment, already + runs, limit_s)
    wall = time.perf_counter() - began
    return wall, {role: spent - cpu[role] for role, spent in cpu_seconds(home.processes()).items()}


def check_kept(home: House, deployment: str) -> tuple[int, int]:
    """How many of the runs looked at lack a state or a log line, or have one twice; and how many were looked at."""
    runs = list(home.rest.runs(deployment, "COMPLETED"))
    looked_at = runs[:: max(1, len(runs) // CHECKED)]
    return sum(not _whole(home, run["id"]) for run in looked_at), len(looked_at)


def _whole(home: House, run_id: str) -> bool:
    names = [state["name"] for state in home.rest.get(f"/flow_run_states/?flow_run_id={run_id}")]
    logged = [line for line in home.rest.logs(run_id) if line == "done"]
    return all(names.count(name) == 1 for name in ("Running", "Completed")) and len(logged) == 1


def measure(given: argparse.Namespace) -> None:
    """Measures, then tells."""
    with house(given) as home:
        deployment = home.rest.deployment("noop", "throughput", POOL)
        try:
            through(home, deployment, 0, WARM_UP, live=True, limit_s=given.seconds)
            wall, cpu = through(home, deployment, WARM_UP, given.runs, given.live, given.seconds)
            wrong, looked_at = check_kept(home, deployment)
        finally:
            home.rest.delete_deployment(deployment)
    kind = "live" if given.live else "backlog"
    tell("throughput", f"{kind}_rate", given.runs / wall, "runs/s", n=given.runs, least=200)
    tell("throughput", f"{kind}_cpu_per_run", sum(cpu.values()) / given.runs * 1000, "ms", n=given.runs, most=8)
    for role, spent in cpu.items():
        tell("throughput", f"{kind}_cpu_per_run_{role}", spent / given.runs * 1000, "ms", n=given.runs)
    tell("throughput", f"{kind}_not_whole", wrong, "runs", n=looked_at, most=0)
    if wrong:
        note(f"{wrong} runs lack a state or a log line, or have one twice")


def main() -> None:
    """Reads the arguments and measures."""
    arguments = parser(__doc__)
    add_arguments(arguments)
    arguments.add_argument("--runs", type=int, default=1000, help="runs that count")
    arguments.add_argument("--live", action="store_true", help="make the runs while they are taken")
    arguments.add_argument("--seconds", type=float, default=120.0, help="give up after so long")
    measure(arguments.parse_args())


if __name__ == "__main__":
    main()
