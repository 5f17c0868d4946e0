"""An outage that is over for one is over for all."""

from __future__ import annotations

import time

import anyio
import pytest

from flowhand.daemon.outage import LEAST_S, Outage

pytestmark = pytest.mark.anyio


async def sat(outage: Outage, seconds: float, said_after: float | None) -> float:
    """How many seconds somebody sat who meant to sit `seconds`, when an answer came to another after `said_after`."""
    began = time.monotonic()
    async with anyio.create_task_group() as group:
        group.start_soon(outage.sit_out, seconds)
        if said_after is not None:
            await anyio.sleep(said_after)
            outage.over()
    return time.monotonic() - began


async def test_an_answer_to_one_ends_the_pauses_of_the_others() -> None:
    """Whenever it comes, but not below the least pause."""
    assert LEAST_S * 0.9 < await sat(Outage(), 60.0, 0.05) < 5.0
    assert LEAST_S < await sat(Outage(), 60.0, LEAST_S + 0.2) < 5.0


async def test_a_short_pause_stays_as_it_is() -> None:
    """The least pause makes nothing longer."""
    assert await sat(Outage(), 0.05, None) < LEAST_S / 2


async def test_an_old_answer_ends_no_pause() -> None:
    """What came before somebody sat down says nothing about now."""
    outage = Outage()
    outage.over()
    assert await sat(outage, LEAST_S + 0.3, None) >= LEAST_S + 0.3


async def test_what_the_server_asked_for_is_waited_for() -> None:
    """Retry-After of one answer stands, whatever the others are answered."""
    outage = Outage()
    began = time.monotonic()
    async with anyio.create_task_group() as group:
        group.start_soon(outage.sit_out, 60.0, LEAST_S + 0.4)
        await anyio.sleep(0.05)
        outage.over()
    assert LEAST_S + 0.4 <= time.monotonic() - began < 10.0
