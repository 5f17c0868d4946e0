"""SIGTERM in the instant before a run's main thread goes to sleep, after Python has looked for signals: heard all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowhand.execution.launcher import StopReason
from support.about_to_sleep import AboutToSleep
from support.following import eventually, following
from support.jobs import key, make_job

pytestmark = pytest.mark.anyio

FLOWS = """
import asyncio, time
from flowhand import flow

@flow
def plain():
    try: time.sleep(60)
    finally: print("tidied", flush=True)

@flow
async def looped():
    try: await asyncio.sleep(60)
    finally: print("tidied", flush=True)
"""


@pytest.mark.parametrize("flow", ["plain", "looped"])
async def test_a_stop_in_the_instant_before_a_sleep_is_heard(tmp_path: Path, flow: str) -> None:
    """Not only when the sleep is over, or the grace."""
    sleeper = AboutToSleep(tmp_path)
    (tmp_path / "flows.py").write_text(FLOWS)
    job = make_job(tmp_path, entrypoint=f"flows.py:{flow}", env=sleeper.environ)
    async with following(tmp_path) as run:
        await run.launcher.start(job)
        await eventually(lambda: sleeper.held)
        await run.launcher.stop(key(job), StopReason.CANCEL, 10.0)
        sleeper.go()
        ended = await run.ended(key(job))
        assert (ended.stopped, ended.killed) == (StopReason.CANCEL, False)
        assert "tidied" in await run.text_of(key(job))
