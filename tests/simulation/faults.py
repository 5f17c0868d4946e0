"""What can go wrong, each as a small coroutine that breaks something and mends it later. All draw from the seed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from .host import SimHost
from .house import House

Fault = Callable[[House], Awaitable[None]]


async def kill_daemon(house: House) -> None:
    """SIGKILL, at a time or between two steps; whoever manages services starts another after a while."""
    host = house.any_host()
    house.ledger.trouble(host.name, house.now())
    if house.random.random() < 0.5:
        host.kill()
    else:
        host.kill_within(house.random.randint(1, 400))
    await _while(house, 0.05, 20.0)
    host.kill()
    host.start()
    await _recovered(house, host)


async def stop_daemon(house: House) -> None:
    """SIGSTOP for the daemon alone, then SIGCONT."""
    host = house.any_host()
    house.ledger.trouble(host.name, house.now())
    host.stop_daemon()
    await _while(house, 0.5, 30.0)
    host.continue_daemon()
    await _recovered(house, host)


async def suspend_host(house: House) -> None:
    """The whole machine stands still, past its leases or not."""
    host = house.any_host()
    house.ledger.trouble(host.name, house.now())
    host.suspend()
    await _while(house, 1.0, 40.0)
    host.awake()
    await _recovered(house, host)


async def crash_host(house: House) -> None:
    """Power is lost, and comes back."""
    host = house.any_host()
    house.ledger.trouble(host.name, house.now())
    host.crash()
    await _while(house, 0.5, 30.0)
    host.boot()
    await _recovered(house, host)


async def kill_keeper(house: House) -> None:
    """SIGKILL for the keeper; its children die with it."""
    host = house.any_host()
    host.keeper.die("their keeper was killed")


async def leave(house: House) -> None:
    """SIGTERM or SIGUSR1; then the next daemon."""
    host = house.any_host()
    house.ledger.trouble(host.name, house.now())
    host.signal(house.random.choice(("drain", "hand over")))
    await _while(house, 0.5, 15.0)
    if host.daemon is not None and host.daemon.leaving:
        await host.daemon.gone.wait()
    host.start()
    await _recovered(house, host)


async def cut_network(house: House) -> None:
    """One host cannot reach the server."""
    host = house.any_host()
    house.ledger.trouble(host.name, house.now())
    house.network.cut[host.name] = house.random.choice(("refused", "silent"))
    house.world.note(host.name, f"cut off: {house.network.cut[host.name]}")
    await _while(house, 0.5, 40.0)
    house.network.cut.pop(host.name, None)
    house.world.note(host.name, "reachable again")
    await _recovered(house, host)


async def storm(house: House) -> None:
    """Messages are lost, late and doubled for everybody."""
    for host in house.hosts:
        house.ledger.trouble(host.name, house.now())
    weather = house.network.weather
    before = weather.loss, weather.duplicate, weather.slow
    weather.loss, weather.duplicate, weather.slow = house.random.choice(((0.3, 0.1, 0.1), (0.05, 0.3, 0.3), (0.6, 0.0, 0.0)))
    house.world.note("network", f"storm: loss {weather.loss}, duplicates {weather.duplicate}, slow {weather.slow}")
    await _while(house, 1.0, 25.0)
    weather.loss, weather.duplicate, weather.slow = before
    house.world.note("network", "calm again")
    for host in house.hosts:
        await _recovered(house, host)


async def lose_claims(house: House) -> None:
    """Answers to claims are lost, nothing else: no reason to lose a run."""
    house.network.weather.lost_claims = 0.7
    house.world.note("network", "answers to claims are lost")
    await _while(house, 1.0, 8.0)
    house.network.weather.lost_claims = 0.0
    house.world.note("network", "answers to claims arrive")


async def kill_server(house: House) -> None:
    """SIGKILL for the server, then another one on the same database."""
    house.server_ill()
    house.server.kill()
    await _while(house, 0.2, 30.0)
    house.server.start()
    house.server_ill()


async def stop_server(house: House) -> None:
    """SIGSTOP for the server, as when its machine is suspended, then SIGCONT."""
    life = house.server.life
    if life is None:
        return
    house.world.note("server", "stopped")
    life.process.stop()
    seconds = house.random.uniform(1.0, 25.0)
    for _ in range(int(seconds * 2)):
        house.server_ill()
        await asyncio.sleep(0.5)
    if house.server.life is life:
        life.process.resume()
        house.world.note("server", "continued")
    house.server_ill()


async def fill_disk(house: House) -> None:
    """The server's disk takes no writes."""
    life = house.server.life
    if life is None:
        return
    life.store.full = True
    house.world.note("server", "disk full")
    seconds = house.random.uniform(0.5, 20.0)
    for _ in range(int(seconds * 2)):
        house.server_ill()
        await asyncio.sleep(0.5)
    life.store.full = False
    house.server_ill()
    house.world.note("server", "disk has room")


async def pause_pool(house: House) -> None:
    """Somebody pauses the pool for a while."""
    await house.pause(True)
    await _while(house, 0.2, 6.0)
    await house.pause(False)


async def set_server_clock(house: House) -> None:
    """Somebody sets the server's wall clock."""
    house.server_ill()
    seconds = house.random.choice((-3600.0, -30.0, -3.0, 3.0, 30.0, 3600.0))
    house.server.set_clock(seconds)
    house.world.note("server", f"clock set by {seconds} s")


async def jolt_server_clock(house: House) -> None:
    """Somebody sets the server's wall clock and at once sets it right again, some times."""
    house.world.note("server", "clock jolted")
    for _ in range(house.random.randint(2, 8)):
        house.server_ill()
        right = house.server.clock.jumped
        house.server.set_clock(house.random.choice((-3600.0, -30.0, -30.0, -10.0, 30.0, 3600.0)))
        await asyncio.sleep(house.random.choice((0.005, 0.3, 1.0, 1.0, 2.0)) * house.random.uniform(0.5, 1.5))
        house.server.set_clock(right - house.server.clock.jumped)
        await _while(house, 1.0, 6.0)
    house.server_ill()
    house.world.note("server", "clock right again")


async def set_host_clock(house: House) -> None:
    """Somebody sets a worker's wall clock."""
    host = house.any_host()
    host.clock.jumped += house.random.choice((-3600.0, -5.0, 5.0, 3600.0))
    house.world.note(host.name, f"clock set to be {host.clock.jumped} s off")


FAULTS: Final[dict[Fault, int]] = {
    kill_daemon: 6,
    stop_daemon: 2,
    suspend_host: 2,
    crash_host: 2,
    kill_keeper: 1,
    leave: 2,
    cut_network: 3,
    storm: 2,
    lose_claims: 3,
    kill_server: 4,
    stop_server: 2,
    fill_disk: 1,
    pause_pool: 1,
    set_server_clock: 1,
    jolt_server_clock: 2,
    set_host_clock: 1,
}
"""Each with how often it is drawn."""


async def _while(house: House, least: float, most: float) -> None:
    """A stretch of time, rather short than long."""
    await asyncio.sleep(least * (most / least) ** house.random.random())


async def _recovered(house: House, host: SimHost) -> None:
    """A host is well again once it has had the time to open a session and to renew."""
    await asyncio.sleep(2.0)
    house.ledger.well_again(host.name)
