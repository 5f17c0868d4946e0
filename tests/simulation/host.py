"""A worker's machine: its daemon, its keeper, its clocks and its disk, and all that can happen to them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import anyio

from flowhand.daemon.daemon import Daemon, Parts
from flowhand.daemon.instance import Instance, acquire
from flowhand.daemon.jobs import Place
from flowhand.daemon.options import Plan
from flowhand.settings import Settings

from .backend import SimBackend
from .database import POOL
from .keeper import SimKeeper
from .launcher import SimLauncher
from .ledger import Ledger
from .loop import Process
from .network import Network
from .server import HEARTBEAT_S
from .world import SimClock, World

WAYS_TO_LEAVE: Final = {"drain": signal.SIGTERM, "hand over": signal.SIGUSR1}


@dataclass(slots=True, eq=False)
class Incarnation:
    """One process of the daemon."""

    process: Process
    backend: SimBackend
    launcher: SimLauncher
    instance: Instance
    signals: asyncio.Queue[signal.Signals]
    leaving: bool = False
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    daemon: Daemon | None = None
    task: asyncio.Task[None] | None = None


class SimHost:
    """One machine with one worker."""

    def __init__(self, world: World, network: Network, ledger: Ledger, name: str, home: Path, limit: int, prefetch_s: float) -> None:
        self.world = world
        self.name = name
        self.clock = SimClock(world)
        self.process = Process(world.loop, name)
        self.keeper = SimKeeper(world, self.process, name, self.clock, ledger)
        self.up = True
        self.daemon: Incarnation | None = None
        self.past: list[Incarnation] = []
        self._network = network
        self._ledger = ledger
        self._home = home
        self._boots = 1
        self._synced = 0
        settings = Settings(home=home, worker_heartbeat=HEARTBEAT_S, worker_drain=8.0, worker_grace=2.0, worker_hooks=6.0)
        self._plan = Plan(settings, "worker", "worker", "w", POOL, [], [], limit, prefetch_s, False, False, False, home)

    # --- the daemon

    def start(self) -> None:
        """Starts a daemon, unless one runs or the machine is down."""
        if self.daemon is not None or not self.up:
            return
        world = self.world
        number = len(self.past) + 1
        process = Process(world.loop, f"{self.name}.{number}", within=self.process)
        instance = acquire(self._home, "worker", "w", self.name)
        born = Incarnation(
            process,
            SimBackend(world, self._network, self.name, self._ledger.sessions),
            SimLauncher(world, self.process, self.keeper),
            instance,
            asyncio.Queue(),
        )
        self.daemon = born
        self.past.append(born)
        world.note(self.name, f"daemon {number} starts")
        born.task = process.spawn(self._run(born), process.name)

    async def _run(self, born: Incarnation) -> None:
        place = Place(self._home, self._home, "sim", None, "worker", "INFO", None, {})
        try:
            parts = Parts(
                self._plan,
                born.instance,
                born.backend,
                born.launcher,
                self.clock,
                place,
                "sim",
                signals=lambda: _received(born.signals),
                no_room=lambda _: None,
                offload=self._offload,
                draw=self.world.random,
                identity=self._identity,
            )
            born.daemon = Daemon(parts)
            leave = await born.daemon.run(anyio.Event())
            self.world.note(self.name, f"daemon left: {leave.name}")
        except BaseExceptionGroup as group:
            self._ledger.blame(f"the daemon on {self.name} failed: {_leaves(group)}")
        except Exception as error:  # noqa: BLE001 - a failing daemon is what the simulation looks for
            self._ledger.blame(f"the daemon on {self.name} failed: {error!r}")
        self._gone(born)

    def _identity(self) -> dict[str, Any]:
        return {"machine_id": self.name, "boot_id": f"{self.name}.{self._boots}", "pid_ns": "", "pid": 1, "pid_start": 0.0}

    async def _offload(self, call: object) -> None:
        """The disk takes a while; the daemon goes on meanwhile."""
        await asyncio.sleep(self.world.random.uniform(0.001, 0.02))
        assert callable(call)
        call()
        if self.daemon is not None:
            self._synced = (self.daemon.instance.journal_path).stat().st_size

    def kill(self) -> None:
        """SIGKILL for the daemon: not a step more; its sockets close, its lock is free."""
        born = self.daemon
        if born is None:
            return
        self.world.note(self.name, f"daemon killed after {born.process.steps} steps")
        born.process.stop()
        self._gone(born)

    def kill_within(self, steps: int) -> None:
        """SIGKILL so many steps from now, between any two of them."""
        born = self.daemon
        if born is not None:
            born.process.at_step = (born.process.steps + steps, lambda: self.kill() if self.daemon is born else None)

    def signal(self, how: str) -> None:
        """Asks the daemon to leave in one of WAYS_TO_LEAVE."""
        if self.daemon is not None:
            self.world.note(self.name, f"signal: {how}")
            self.daemon.leaving = True
            if how == "drain":
                self._ledger.drained.add(self.name)
            self.daemon.signals.put_nowait(WAYS_TO_LEAVE[how])

    def stop_daemon(self) -> None:
        """SIGSTOP for the daemon alone."""
        if self.daemon is not None:
            self.world.note(self.name, "daemon stopped")
            self.daemon.process.stop()

    def continue_daemon(self) -> None:
        """SIGCONT for the daemon."""
        if self.daemon is not None:
            self.world.note(self.name, "daemon continued")
            self.daemon.process.resume()

    @property
    def idle(self) -> bool:
        """Whether nothing is left of any run: no process, no file, no record."""
        return not self.busy

    @property
    def busy(self) -> str:
        """What is left, in words."""
        born = self.daemon
        if born is None or born.daemon is None:
            return f"{self.name} has no daemon"
        left = {
            "children": list(self.keeper.children),
            "files": list(self.keeper.lost),
            "runs": [run.key for run in born.daemon._registry],
            "journal": list(born.daemon._journal.entries),
        }
        return "; ".join(f"{self.name} still has {what} {keys}" for what, keys in left.items() if keys)

    def _gone(self, born: Incarnation) -> None:
        born.backend.died()
        born.launcher.died()
        born.instance.close()
        born.gone.set()
        if self.daemon is born:
            self.daemon = None

    # --- the machine

    def suspend(self) -> None:
        """Everything stands still but the boot clock."""
        self.world.note(self.name, "host suspended")
        self._ledger.slept[self.name].append((self.world.now(), float("inf")))
        self.process.stop()

    def awake(self) -> None:
        """The end of a suspension."""
        slept = self._ledger.slept[self.name]
        if slept and slept[-1][1] == float("inf"):
            self.world.note(self.name, "host awake")
            slept[-1] = (slept[-1][0], self.world.now())
            self.process.resume()

    def crash(self) -> None:
        """Power is gone: daemon, keeper and children with it, and what was not on the disk."""
        self.world.note(self.name, "host crashed")
        journal = self.past[-1].instance.journal_path if self.past else None
        self.kill()
        self.keeper.crash()
        self._ledger.forgetful.add(self.name)
        if journal is not None and journal.exists() and self.world.chance(0.7):
            size = journal.stat().st_size
            kept = self.world.random.randint(min(self._synced, size), size)
            self.world.note(self.name, f"the journal loses its last {size - kept} bytes")
            os.truncate(journal, kept)
        self._synced = 0
        self.up = False

    def boot(self) -> None:
        """Power is back; whoever manages services starts the daemon."""
        if not self.up:
            self.world.note(self.name, "host boots")
            self.up = True
            self.clock.booted = self.world.now()
            self._boots += 1
            self.start()


@contextlib.contextmanager
def _received(signals: asyncio.Queue[signal.Signals]) -> Generator[AsyncIterator[signal.Signals]]:
    async def each() -> AsyncIterator[signal.Signals]:
        while True:
            yield await signals.get()

    yield each()


def _leaves(group: BaseExceptionGroup[BaseException]) -> str:
    """The errors in a group of groups, and where each came from."""
    found: list[str] = []
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            found.append(_leaves(error))
            continue
        last = error.__traceback__
        while last is not None and last.tb_next is not None:
            last = last.tb_next
        where = f" in {last.tb_frame.f_code.co_name}:{last.tb_lineno}" if last else ""
        found.append(f"{error!r}{where}")
    return "; ".join(found)
