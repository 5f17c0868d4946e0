"""The server: the real claims, desk, transactions and reaper, one process of them after another over one database."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from sqlalchemy import Connection

from flowhand.clock import WatchedClock
from flowhand.errors import ApiRefused, ApiUnavailable, FlowhandError, ObjectNotFound
from flowhand.wire.runner import ClaimRequest, CloseRequest, ReleaseRequest, ReportRequest, SessionRequest
from flowhand_server.config import ServerConfig
from flowhand_server.dispatch.claiming import Claims, ClientGone
from flowhand_server.dispatch.desk import Desk
from flowhand_server.services import late
from flowhand_server.services.chores import Chore, Chores
from flowhand_server.services.crew import TRY_AGAIN_S
from flowhand_server.services.jump_guard import JumpGuard
from flowhand_server.services.reaper import Reaper
from flowhand_server.services.service import Service
from flowhand_server.store import sessions
from flowhand_server.store.errors import NotFound, StoreUnavailable
from flowhand_server.store.release import release
from flowhand_server.store.report import report
from flowhand_server.store.sessions import SessionRefused

from .database import SERVER_ID, Planted, SimStore
from .loop import Process
from .network import TIMEOUT_S, Call, Reply
from .world import SimClock, World

HEARTBEAT_S: Final = 5.0
LEASE_S: Final = 3 * HEARTBEAT_S
MARGIN_S: Final = 3.0
GRACE_S: Final = 30.0
BUSY: Final = 40
"""Requests of one kind within a second that the few daemons of a simulation have no reason to send."""
CONFIG: Final = ServerConfig(
    home=Path("/nowhere"), lease_s=LEASE_S, margin_s=MARGIN_S, grace_s=GRACE_S, heartbeat_s=HEARTBEAT_S, server_id=SERVER_ID
)


class Life:
    """One process of the server, from its start to its kill."""

    def __init__(self, server: SimServer, committed: Callable[[], None], number: int) -> None:
        self.process = Process(server.world.loop, f"server.{number}")
        self.store = SimStore(server.world, server.conn, committed, server.planted)
        self.clock = clock = WatchedClock(server.clock)
        self.blame = server.blame
        self._leases = JumpGuard(self.store, clock)
        desk = Desk(clock)
        self._claims = Claims(self._leases, desk, clock)
        self.store.follow(desk.follow)
        self.store.listen(desk.notice)

    def begin(self) -> None:
        """Starts the services."""
        reaper = Reaper(self.store, self.clock, CONFIG)
        self.store.listen(reaper.notice)
        for service in (reaper, Chores(self.store, self.clock, [Chore("late marker", late.due, late.mark)])):
            self.process.spawn(self._supervise(service), service.name)

    async def _supervise(self, service: Service) -> None:
        """As `services.crew` does, but for errors: what is not the disk's fault is a violation."""
        while True:
            try:
                delay = await service.round()
            except StoreUnavailable:
                delay = TRY_AGAIN_S
            except Exception as error:  # noqa: BLE001 - a failing service is what the simulation looks for
                self.blame(f"the service {service.name} failed: {error!r}")
                return
            await asyncio.sleep(delay)

    async def answer(self, call: Call) -> str:
        """The body of the answer."""
        now = self.clock.now_us()
        match call.kind:
            case "session":
                return _text(await self._leases.write(sessions.open_session, SessionRequest.model_validate_json(call.body), CONFIG, now))
            case "claim":
                return _text(await self._claim(ClaimRequest.model_validate_json(call.body), call))
            case "report":
                return _text(await self._leases.write(report, ReportRequest.model_validate_json(call.body), call.secret, now))
            case "release":
                return _text(await self._leases.write(release, ReleaseRequest.model_validate_json(call.body), call.secret, now))
            case _:
                body = CloseRequest.model_validate_json(call.body)
                await self._leases.write(sessions.close_session, body.session, call.secret, now)
                return "{}"

    async def _claim(self, request: ClaimRequest, call: Call) -> BaseModel:
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        call.on_gone(lambda: gone.done() or gone.set_result(None))
        return await self._claims.answer(request, call.secret, gone)


def _text(body: BaseModel) -> str:
    return body.model_dump_json()


class SimServer:
    """A server that can be killed and started again; the database stays."""

    def __init__(self, world: World, conn: Connection, committed: Callable[[], None], blame: Callable[[str], None]) -> None:
        self.world = world
        self.conn = conn
        self.blame = blame
        self.clock = SimClock(world)
        self.started_at = 0.0
        """When the present process was started, in true seconds."""
        self.life: Life | None = None
        self.planted: dict[Any, Planted] = {}
        """Faults put in on purpose, by the transaction whose place they take."""
        self._committed = committed
        self._lives = 0
        self._asked: Counter[tuple[str, int]] = Counter()
        self._furthest = 0.0

    def start(self) -> None:
        """Starts a process. Nothing happens when there is one."""
        if self.life is not None:
            return
        self._lives += 1
        self.started_at = self.world.now()
        self.life = Life(self, self._committed, self._lives)
        self.life.begin()
        self.world.note("server", "started")

    def kill(self) -> None:
        """SIGKILL: whoever waits for an answer gets none."""
        if self.life is not None:
            self.world.note("server", "killed")
            self.life.process.stop()
            self.life = None

    def set_clock(self, seconds: float) -> None:
        """Somebody sets the wall clock, forward or back."""
        self.clock.jumped += seconds
        self._furthest = max(self._furthest, self.clock.jumped)

    def catch_up(self) -> None:
        """The wall clock is late for nothing any more: what was scheduled while it was fast comes due."""
        self.clock.jumped = self._furthest

    def receive(self, call: Call, reply: Reply) -> None:
        """See `network.Server`."""
        if self.life is None:
            raise ConnectionRefusedError
        self._asked[call.kind, int(self.world.now())] += 1
        if self._asked[call.kind, int(self.world.now())] == BUSY:
            self.blame(f"somebody asks without a pause: {BUSY} requests of kind {call.kind!r} within a second")
        self.life.process.spawn(_serve(self.life, call, reply), call.kind)

    async def do(self, transaction: Callable[..., Any], *args: Any) -> Any:
        """What a user asks over REST: again and again until there is an answer, so it has to be idempotent."""
        while True:
            life = self.life
            if life is not None:
                asked = life.process.spawn(life.store.write(transaction, *args, life.clock.now_us()), "user")
                asked.add_done_callback(lambda task: task.cancelled() or task.exception())  # who has given up hears of it no more
                await asyncio.wait({asked}, timeout=TIMEOUT_S)
                if asked.done() and not isinstance(asked.exception(), StoreUnavailable):
                    return asked.result()
            await asyncio.sleep(0.5)


async def _serve(life: Life, call: Call, reply: Reply) -> None:
    try:
        reply(await life.answer(call))
    except ClientGone:
        return
    except FlowhandError as error:
        reply(_on_the_wire(error))
    except Exception as error:  # noqa: BLE001 - a failing request is what the simulation looks for
        life.blame(f"{call.kind} failed: {error!r}")


def _on_the_wire(error: FlowhandError) -> FlowhandError:
    """The error as the daemon's backend raises it for the status that the route answers."""
    if isinstance(error, SessionRefused):
        return ApiRefused(str(error), 409, str(error))
    if isinstance(error, NotFound):
        return ObjectNotFound(error.detail)
    if isinstance(error, StoreUnavailable):
        return ApiUnavailable(str(error))
    return error
