"""The simulation itself: its seeds hold, a seed replays, and faults that are planted are found."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Generator
from typing import Final

import anyio
import pytest
import structlog

from simulation.loop import Process, SimLoop
from simulation.plants import PLANTS
from simulation.simulation import clear_tasks, simulate

BATCHES: Final = 8
SEEDS: Final = 30
"""In each batch. `make simulate SEEDS=10000` runs more."""
WITHIN: Final = 100
"""Seeds within which a planted fault must be found."""


@pytest.fixture(autouse=True)
def _quiet() -> Generator[None]:
    """The daemons of a simulation have a lot to say."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize("batch", range(BATCHES))
def test_nothing_is_lost_and_nothing_is_twice(batch: int) -> None:
    """Whatever goes wrong, no invariant is violated. To see a failing seed again: `cd tests; python -m simulation SEED`."""
    for seed in range(batch * SEEDS, (batch + 1) * SEEDS):
        result = simulate(seed)
        assert not result.violations, f"seed {seed}: {result.violations[0]}"


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_fault_is_found(name: str) -> None:
    """Each fault violates an invariant within so many seeds."""
    found = next((seed for seed in range(WITHIN) if simulate(seed, PLANTS[name]).violations), None)
    assert found is not None, f"{name!r} was not found within {WITHIN} seeds"


def test_a_seed_replays_itself() -> None:
    """The same seed tells the same story to the microsecond, also after another one."""
    first = simulate(11).story
    simulate(12)
    assert simulate(11).story == first


@pytest.mark.filterwarnings("error")
def test_a_task_that_never_began_is_cleared_away_as_well() -> None:
    """Its coroutine is one within another one; the inner one would be complained of if only the outer one were cancelled."""
    loop = SimLoop()
    begun: list[int] = []

    async def child() -> None:
        begun.append(1)
        await anyio.sleep(1)

    async def parent() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(child)
            loop.stop()

    task = loop.create_task(parent())
    loop.run_forever()
    clear_tasks(loop)
    assert task.cancelled()
    assert begun
    loop.close()


def test_a_killed_process_makes_no_further_step() -> None:
    """Neither what follows nor a `finally` runs, though its sleep is over; a continued one goes on where it was."""
    loop = SimLoop()
    told: list[str] = []

    async def sleeper(name: str) -> None:
        try:
            await asyncio.sleep(1)
            told.append(f"{name} slept")
        finally:
            told.append(f"{name} left")

    async def main() -> None:
        killed, stopped = Process(loop, "killed"), Process(loop, "stopped")
        killed.spawn(sleeper("killed"))
        stopped.spawn(sleeper("stopped"))
        await asyncio.sleep(0.5)
        killed.stop()
        stopped.stop()
        await asyncio.sleep(1)
        assert told == []
        stopped.resume()
        await asyncio.sleep(0.1)
        assert told == ["stopped slept", "stopped left"]
        assert loop.time() == pytest.approx(1.6)
        killed.resume()
        await asyncio.sleep(0.1)

    loop.run_until_complete(main())
    loop.close()
