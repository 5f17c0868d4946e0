"""A pulse wakes who waits for it."""

from __future__ import annotations

import anyio
import pytest

from flowhand_server.events.pulse import Pulse
from flowhand_server.store.notices import Notice

pytestmark = pytest.mark.anyio


async def test_a_beat_between_a_look_and_the_wait_is_not_missed() -> None:
    """Whoever has read the number of beats before it looked goes on at once; another topic is no beat."""
    pulse = Pulse("task")
    before = pulse.beats
    pulse.notice([Notice("run")])
    assert pulse.beats == before
    pulse.notice([Notice("task")])
    with anyio.fail_after(5):
        await pulse.wait(before, 60)


async def test_who_waits_is_woken_by_the_next_beat() -> None:
    """Every one that does."""
    pulse = Pulse("task")
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(pulse.wait, pulse.beats, 60)
            await anyio.lowlevel.checkpoint()
            pulse.notice([Notice("task")])
