"""How many runs at once: the limit, and when none is given, a bound from the machine."""

from __future__ import annotations

import os

import psutil

from flowhand.daemon.options import Plan

RUNS_PER_CORE = 8
BYTES_PER_RUN = 256 * 1024 * 1024


def default_limit() -> int:
    """A bound from this machine's cores and available memory: eight runs a core, 256 MiB a run, never fewer than two."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = int(psutil.virtual_memory().available) // BYTES_PER_RUN
    return max(2, min(cores * RUNS_PER_CORE, memory))


def explain(plan: Plan) -> str:
    """The limit in words, for the starting message."""
    if not plan.bounded_by_machine:
        return f"{plan.limit} at once"
    change = "serve(limit=…)" if plan.kind == "serve" else "--limit"
    return f"{plan.limit} at once (from this machine's cores and memory; {change} changes it)"
