"""Everything of one simulation together: server, network, hosts, ledger, checker, and the users who ask for runs."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from sqlalchemy import Connection, update

from flowhand_server.orchestration.state import Proposal, StateType, scheduled
from flowhand_server.store.flow_runs import NewRun, create_flow_run, propose_state
from flowhand_server.store.notices import config_changed
from flowhand_server.store.tables import work_pool

from .checker import Checker
from .child import Script, draw_script
from .database import DEPLOYMENTS, empty_house
from .host import SimHost
from .ledger import Ledger
from .network import Network, Weather
from .server import SimServer
from .world import World


class House:
    """Built anew for each seed."""

    def __init__(self, world: World, home: Path) -> None:
        self.world = world
        self.random: random.Random = world.random
        self.favoured: str | None = None
        """A fault that comes more often than others."""
        self.ledger = Ledger(world)
        self.checker = Checker(self.ledger)
        self.server = SimServer(world, empty_house(), self.checker.committed, self.ledger.blame)
        self.checker.server = self.server
        rough = world.chance(0.3)
        self.network = Network(world, self.server, Weather(loss=0.015 if rough else 0.0, duplicate=0.02 if rough else 0.0))
        names = [f"host{number}" for number in range(1, 1 + world.random.choice((1, 2, 2)))]
        self.hosts = [self._host(name, home / name) for name in names]

    def _host(self, name: str, home: Path) -> SimHost:
        limit = self.random.choice((1, 2, 4))
        return SimHost(self.world, self.network, self.ledger, name, home, limit, self.random.choice((0.0, 2.0)))

    def now(self) -> float:
        """True seconds since the beginning."""
        return self.world.now()

    def any_host(self) -> SimHost:
        """One of them."""
        return self.random.choice(self.hosts)

    def server_ill(self) -> None:
        """The server cannot be expected to be on time for a while."""
        self.checker.ill = self.now()

    # --- users

    async def ask_for_run(self, number: int) -> str:
        """Creates a run; its id."""
        deployment = self.random.choice(list(DEPLOYMENTS))
        script = draw_script(self.random)
        later = self.random.choice((0.0, 0.0, 0.0, 1.0, 5.0))
        made = await self.server.do(self._create, deployment, number, later, script)
        self.world.note("user", f"asks for run {number} ({made}) of {deployment}, due in {later} s: {script}")
        return made

    def _create(self, conn: Connection, deployment: str, number: int, later: float, script: Script, now: int) -> str:
        new = NewRun(
            flow_id="f",
            deployment_id=deployment,
            work_pool_id="p",
            work_queue_id="q",
            work_queue_name="default",
            state=scheduled(now + round(later * 1e6)),
            name=f"r{number}",
            idempotency_key=str(number),
        )
        made = create_flow_run(conn, new, now)
        self.world.names.setdefault(made.id, f"r{number}")
        self.ledger.scripts[made.id] = script
        self.ledger.policies[made.id] = "crash" if deployment == "crash" else "retry"
        return made.id

    async def cancel(self, run_id: str) -> None:
        """Asks for a run to be cancelled."""
        self.ledger.cancelled.add(run_id)
        self.world.note("user", f"cancels {run_id}")
        await self.server.do(_cancel, run_id)

    async def pause(self, paused: bool) -> None:
        """Pauses the pool, or resumes it: what was claimed early and has not begun is called back."""
        self.world.note("user", "pauses the pool" if paused else "resumes the pool")
        await self.server.do(_pause, paused)

    async def asks(self, runs: int, within: float) -> None:
        """A few runs over some time; some of them are cancelled later."""
        for number in range(1, runs + 1):
            made = await self.ask_for_run(number)
            if self.world.chance(0.15):
                self.world.loop.outside(self.random.uniform(0.0, 20.0), self._cancel_later, made)
            await asyncio.sleep(self.random.choice((0.0, 0.01, within / runs)))

    def _cancel_later(self, run_id: str) -> None:
        self.world.loop.create_task(self.cancel(run_id))


def _pause(conn: Connection, paused: bool, _now: int) -> None:
    conn.execute(update(work_pool).values(is_paused=paused))
    config_changed(conn)


def _cancel(conn: Connection, run_id: str, now: int) -> None:
    propose_state(conn, run_id, Proposal(StateType.CANCELLING, "Cancelling"), now)
