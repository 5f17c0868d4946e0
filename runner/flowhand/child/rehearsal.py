"""Flows that are run before the first fork: between them they touch what every run will. Parameters that need coercing are not among
them, see `flowhand.child.rehearsal_typed`."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, Final

from flowhand.child import logs
from flowhand.child.channel import NullChannel
from flowhand.child.engine import run_job
from flowhand.child.stopping import Stop
from flowhand.sdk.context import process
from flowhand.sdk.flow import flow
from flowhand.sdk.run_logging import get_run_logger
from flowhand.sdk.task import task
from flowhand.wire.job import Job


@flow
def plain() -> None:
    """Does nothing."""


@flow(log_prints=True)
def speaking(count: int) -> int:
    """Speaks, in both ways."""
    print(count)
    get_run_logger().info("%d items", count)
    return count


@flow
async def coroutine(count: int) -> int:
    """Runs on a loop."""
    await asyncio.sleep(0)
    return count


@flow
def failing() -> None:
    """Fails, so that a traceback is made."""
    raise ValueError("a rehearsal")


@flow(timeout_seconds=0.001)
def late() -> None:
    """Runs into its time-out."""
    time.sleep(10)


@flow(timeout_seconds=0.001)
async def late_coroutine() -> None:
    """Runs into its time-out on a loop."""
    await asyncio.sleep(10)


@task
def step(number: int) -> int:
    """A task."""
    return number


@flow
def stepping() -> int:
    """Calls, submits and maps a task."""
    return step(1) + step.submit(2).result() + sum(step.map([3, 4]).result())


def run(flows: dict[str, dict[str, Any]]) -> None:
    """Runs flows (parameters by entrypoint) to their end, on a channel that nobody hears, so that what a run imports and caches is there
    before it is forked. Directory, module path and signal handlers are as before; logging stays set up, for the runs."""
    directory, path = Path.cwd(), list(sys.path)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGALRM)}
    channel = NullChannel()
    logs.install(channel, logging.INFO)
    try:
        for entrypoint, parameters in flows.items():
            run_job(job(entrypoint, parameters), channel, Stop(channel))
    finally:
        process.run = process.announce = process.emit = process.conceal = None
        for number, before in handlers.items():
            signal.signal(number, before or signal.SIG_DFL)
        sys.path[:] = path
        os.chdir(directory)


FLOWS: Final[dict[str, dict[str, Any]]] = {
    f"{__name__}:plain": {},
    f"{__name__}:speaking": {"count": 1},
    f"{__name__}:coroutine": {"count": 1},
    f"{__name__}:stepping": {},
    f"{__name__}:failing": {},
    f"{__name__}:late": {},
    f"{__name__}:late_coroutine": {},
}


def job(entrypoint: str, parameters: dict[str, Any]) -> Job:
    """A job for a flow that is part of flowhand."""
    return Job(
        run_id="00000000-0000-4000-8000-000000000000",
        attempt=1,
        run_count=1,
        name="rehearsal",
        flow_id="00000000-0000-4000-8000-000000000000",
        flow_name="rehearsal",
        deployment_id=None,
        deployment_name=None,
        entrypoint=entrypoint,
        directory=None,
        pull_steps=[],
        parameters=parameters,
        tags=[],
        labels={},
        scheduled_us=0,
        start_at=None,
        lease_until=None,
        env={},
        command=None,
        python=None,
        log_level=20,
        api_url="",
        api_file=None,
        work_pool=None,
        work_queue=None,
        worker="",
        mark="",
        redelivered=False,
    )
