"""What waiting costs: memory (PSS) and CPU of an idle worker with its keeper, and of an idle server."""

from __future__ import annotations

import argparse
import time
from typing import Final

from harness.footprint import cpu_seconds, pss_mib
from harness.house import POOL, add_arguments, house
from harness.results import parser, tell

END_S: Final = 60.0


def measure(given: argparse.Namespace) -> None:
    """Lets one run through, so that all is loaded that a first run loads, waits, and tells."""
    with house(given) as home:
        deployment = home.rest.deployment("noop", "idle", POOL)
        try:
            home.rest.await_end(home.rest.run(deployment), END_S)
            time.sleep(given.settle)  # idling is what is measured
            before = cpu_seconds(home.processes())
            time.sleep(given.seconds)
            idle = home.processes()
        finally:
            home.rest.delete_deployment(deployment)
        after = cpu_seconds(idle)
        for name, roles, most in (("worker", ("worker", "keeper"), 60), ("server", ("server",), 110)):
            those = [process for process in idle if process.role in roles]
            if not those:
                continue  # a server that was here before is not looked into
            tell("idle", f"{name}_pss", sum(pss_mib(process.pid) for process in those), "MiB", n=len(those), most=most)
            share = sum(after[role] - before[role] for role in roles) / given.seconds * 100
            tell("idle", f"{name}_cpu", share, "% of a core", n=len(those), most=0.2)


def main() -> None:
    """Reads the arguments and measures."""
    arguments = parser(__doc__)
    add_arguments(arguments)
    arguments.add_argument("--settle", type=float, default=5.0, help="seconds before the measurement")
    arguments.add_argument("--seconds", type=float, default=30.0, help="seconds of the measurement")
    measure(arguments.parse_args())


if __name__ == "__main__":
    main()
