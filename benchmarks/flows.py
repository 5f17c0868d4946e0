"""The flows that are measured. They import nothing that a first flow would not."""

from __future__ import annotations

import time

from flowhand import flow


@flow(log_prints=True)
def stamp() -> None:
    """Says when its first line ran: nanoseconds since the epoch."""
    print(f"began {time.time_ns()}")


@flow(log_prints=True)
def noop(line: str = "done") -> None:
    """Says one line and is done."""
    print(line)


@flow
def sleeper(seconds: float = 60.0) -> None:
    """Does nothing for a while."""
    time.sleep(seconds)
