"""Flows that are run before the first fork: between them they touch what user flows will."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel

from flowhand.sdk.flow import flow
from flowhand.sdk.run_logging import get_run_logger
from flowhand.sdk.task import task
from flowhand.wire.job import Job


class Item(BaseModel):
    """A model as a parameter."""

    name: str
    size: int = 1


@flow
def plain() -> None:
    """Does nothing."""


@flow(log_prints=True)
def typed(count: int, ratio: float, names: list[str], when: datetime, item: Item, switch: bool = False, **rest: Any) -> int:
    """Takes parameters that have to be coerced, and speaks."""
    print(count, ratio, names, when, item, switch, rest)
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


FLOWS: Final[dict[str, dict[str, Any]]] = {
    "plain": {},
    "typed": {"count": "1", "ratio": "0.5", "names": ("a",), "when": "2026-01-01T00:00:00Z", "item": {"name": "a"}, "rest": {"more": 1}},
    "coroutine": {"count": "1"},
    "stepping": {},
    "failing": {},
    "late": {},
    "late_coroutine": {},
}


def job(name: str, parameters: dict[str, Any]) -> Job:
    """A job for one of the flows."""
    return Job(
        run_id="00000000-0000-4000-8000-000000000000",
        attempt=1,
        run_count=1,
        name="rehearsal",
        flow_id="00000000-0000-4000-8000-000000000000",
        flow_name=name,
        deployment_id=None,
        deployment_name=None,
        entrypoint=f"{__name__}:{name}",
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
