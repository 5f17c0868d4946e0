"""How many runs at once: the limit, and when none is given, a bound from the machine."""

from __future__ import annotations

import os

import psutil

RUNS_PER_CORE = 8
BYTES_PER_RUN = 256 * 1024 * 1024


def default_limit() -> int:
    """A bound from this machine's cores and available memory: eight runs a core, 256 MiB a run, never fewer than two."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = int(psutil.virtual_memory().available) // BYTES_PER_RUN
    return max(2, min(cores * RUNS_PER_CORE, memory))


def explain(limit: int, given: bool) -> str:
    """The limit in words, for the starting message."""
    return f"{limit} at once" if given else f"{limit} at once (from this machine's cores and memory; set --limit to change it)"
