"""What waiting costs: memory (PSS) and CPU of an idle worker with its keeper, and of an idle server."""

from __future__ import annotations

import argparse
import time
from typing import Final

from harness.footprint import Process, cpu_seconds, pss_mib
from harness.house import POOL, House, add_arguments, house
from harness.results import parser, tell

END_S: Final = 60.0


def is_server(process: Process) -> bool:
    """Whether it is the API server; everything else of an idle house is the worker's."""
    return "flowhand_server" in process.command or "server start" in process.command


def split(home: House) -> tuple[list[Process], list[Process]]:
    """The worker's processes, and the server's."""
    processes = home.processes()
    return [one for one in processes if not is_server(one)], [one for one in processes if is_server(one)]


def measure(given: argparse.Namespace) -> None:
    """Lets one run through, so that all is loaded that a first run loads, waits, and tells."""
    with house(given) as home:
        deployment = home.rest.deployment("noop", "idle", POOL)
        try:
            home.rest.await_end(home.rest.run(deployment), END_S)
            time.sleep(given.settle)  # idling is what is measured
            before = split(home)
            time.sleep(given.seconds)
            after = split(home)
        finally:
            home.rest.delete_deployment(deployment)
        for name, early, late, most in zip(("worker", "server"), before, after, (60, 110), strict=True):
            if late:
                tell("idle", f"{name}_pss", sum(pss_mib(process.pid) for process in late), "MiB", n=len(late), most=most)
                share = (cpu_seconds(late) - cpu_seconds(early)) / given.seconds * 100
                tell("idle", f"{name}_cpu", share, "% of a core", n=len(late), most=0.2)


def main() -> None:
    """Reads the arguments and measures."""
    arguments = parser(__doc__)
    add_arguments(arguments)
    arguments.add_argument("--settle", type=float, default=5.0, help="seconds before the measurement")
    arguments.add_argument("--seconds", type=float, default=30.0, help="seconds of the measurement")
    measure(arguments.parse_args())


if __name__ == "__main__":
    main()
