"""One seed, from an empty house to a settled one."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from dataclasses import dataclass
from inspect import CORO_CREATED, getcoroutinestate
from pathlib import Path
from types import CoroutineType
from typing import Any, Final, cast

from .faults import FAULTS
from .house import House
from .loop import Deadlock, SimLoop
from .plants import Plant
from .server import GRACE_S, LEASE_S
from .world import World

TROUBLE_S: Final = 20.0
"""For so long things go wrong."""
LINGER_S: Final = 4
"""For so many seconds it is waited, when every run has ended, for messages that are still under way."""
SETTLED_WITHIN_S: Final = 150.0
"""After so long without new trouble everything must have come to its end."""
SCRATCH: Final = Path("/dev/shm") if Path("/dev/shm").is_dir() else None


@dataclass(frozen=True, slots=True)
class Result:
    """What a seed came to."""

    seed: int
    violations: list[str]
    story: str
    seconds: float
    """Simulated ones."""


def simulate(seed: int, plant: Plant | None = None) -> Result:
    """Runs one seed. The same seed does the same, every time."""
    loop = SimLoop()
    world = World(seed, loop)
    home = Path(tempfile.mkdtemp(prefix="flowhand-sim-", dir=SCRATCH))
    try:
        house = House(world, home)
        if plant is not None:
            plant(house)
        try:
            loop.run_until_complete(_live(house))
        except Deadlock as error:
            house.ledger.blame(str(error))
        story = world.story()
        violations = [_named(world, text) for text in house.ledger.violations]
        _clear_away(loop, house)
        return Result(seed, violations, story, loop.time())
    finally:
        loop.close()
        shutil.rmtree(home, ignore_errors=True)


def _named(world: World, text: str) -> str:
    for long, short in world.names.items():
        text = text.replace(long, short)
    return text


async def _live(house: House) -> None:
    world = house.world
    house.server.start()
    house.server_ill()
    for host in house.hosts:
        house.ledger.trouble(host.name, 0.0, 2.0)
        host.start()
    asks = asyncio.ensure_future(house.asks(world.random.randint(1, 4), 10.0))
    troubles = [asks, *(asyncio.ensure_future(_trouble(house)) for _ in range(world.random.randint(1 if house.favoured else 0, 3)))]
    quiet = 0
    while not all(task.done() for task in troubles) and quiet < LINGER_S:
        await _second(house, troubles)
        if house.ledger.violations:
            return
        quiet = quiet + 1 if asks.done() and _at_rest(house) else 0
    for task in troubles:
        task.cancel()  # what would still go wrong, or be mended, concerns nobody
    await _settle(house)


def _at_rest(house: House) -> bool:
    """Whether all that was asked for has ended and is forgotten: nothing can go wrong with it any more."""
    return house.checker.settled() and all(host.idle for host in house.hosts)


async def _second(house: House, troubles: list[asyncio.Future[None]] | None = None) -> None:
    await asyncio.sleep(1.0)
    house.checker.tick()
    for task in troubles or ():
        if task.done():
            task.result()


async def _trouble(house: House) -> None:
    await asyncio.sleep(house.random.uniform(0.0, TROUBLE_S))
    weights = [40 * weight if fault.__name__ == house.favoured else weight for fault, weight in FAULTS.items()]
    await house.random.choices(list(FAULTS), weights)[0](house)


async def _settle(house: House) -> None:
    """Everything works again; now each run comes to its end, and the daemons leave with nothing left behind."""
    house.world.note("world", "from here on all is well")
    house.network.cut.clear()
    house.server.catch_up()
    house.server_ill()
    weather = house.network.weather
    weather.loss = weather.duplicate = weather.slow = 0.0
    house.server.start()
    if house.server.life is not None:
        house.server.life.process.resume()
        house.server.life.store.full = False
    for host in house.hosts:
        host.awake()
        host.continue_daemon()
        host.boot()
        host.start()
    deadline = house.now() + SETTLED_WITHIN_S + LEASE_S + GRACE_S
    while not _at_rest(house):
        await _second(house)
        if house.ledger.violations:
            return
        if house.now() > deadline:
            left = "; ".join(host.busy for host in house.hosts if not host.idle)
            house.ledger.blame(f"not settled: {house.checker.unsettled()}; {left}")
            return
    house.checker.finish()


def _clear_away(loop: SimLoop, house: House) -> None:
    """Lets every task of the dead and the living end, so that files are closed and nothing is left for the next seed."""
    for host in house.hosts:
        host.keeper.ear = None
    for process in loop.processes:
        process.at_step = None  # a kill that is still to come would leave tasks that never made their first step
        process.resume()
    clear_tasks(loop)


def clear_tasks(loop: SimLoop) -> None:
    """Cancels all tasks there are, and waits for them."""
    tasks = _cancelled(asyncio.all_tasks(loop))
    loop.run_until_complete(asyncio.sleep(0))
    tasks |= _cancelled(asyncio.all_tasks(loop) - tasks)
    with contextlib.suppress(Deadlock):
        loop.run_until_complete(asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 100))


def _cancelled(tasks: set[asyncio.Task[Any]]) -> set[asyncio.Task[Any]]:
    """Cancels those that have made their first step; anyio's tasks hold a coroutine of their own, which nobody awaits before that."""
    begun = {task for task in tasks if getcoroutinestate(cast("CoroutineType[Any, Any, Any]", task.get_coro())) != CORO_CREATED}
    for task in begun:
        task.cancel()
    return begun
