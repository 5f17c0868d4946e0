"""The daemon's side of the simulated network: the Backend port."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from pydantic import BaseModel

from flowhand.errors import ApiUnavailable, FlowhandError
from flowhand.wire.runner import (
    ClaimReply,
    ClaimRequest,
    CloseRequest,
    ReleaseReply,
    ReleaseRequest,
    ReportReply,
    ReportRequest,
    SessionReply,
    SessionRequest,
)

from .network import TIMEOUT_S, Call, Network
from .world import World

R = TypeVar("R", bound=BaseModel)


class SimBackend:
    """One daemon's connections."""

    def __init__(self, world: World, network: Network, host: str, sessions: dict[str, str]) -> None:
        self._world = world
        self._sessions = sessions
        """Where it is written down whose session is whose."""
        self._network = network
        self._host = host
        self._secret = ""
        self._open: set[Call] = set()

    async def open_session(self, request: SessionRequest) -> SessionReply:
        """See the port."""
        reply = SessionReply.model_validate_json(await self._ask("session", request))
        self.resume_session(reply.session, reply.secret)
        self._sessions[reply.session] = self._host
        return reply

    def resume_session(self, session: str, secret: str) -> None:
        """See the port."""
        self._secret = secret

    async def claim(self, request: ClaimRequest) -> ClaimReply:
        """See the port."""
        return ClaimReply.model_validate_json(await self._ask("claim", request, request.wait_s))

    async def report(self, request: ReportRequest) -> ReportReply:
        """See the port."""
        return ReportReply.model_validate_json(await self._ask("report", request))

    async def release(self, request: ReleaseRequest) -> ReleaseReply:
        """See the port."""
        return ReleaseReply.model_validate_json(await self._ask("release", request))

    async def close_session(self, session: str) -> None:
        """See the port."""
        await self._ask("close", CloseRequest(session=session))

    async def close(self) -> None:
        """See the port."""
        self.died()

    def died(self) -> None:
        """The process is gone, its connections with it."""
        for call in list(self._open):
            self._network.hang_up(call)

    async def _ask(self, kind: str, request: BaseModel, wait_s: float = 0.0) -> str:
        call = Call(kind, request.model_dump_json(), self._secret)
        answered: asyncio.Future[str | FlowhandError] = self._world.loop.create_future()

        def reply(answer: str | FlowhandError) -> None:
            if not answered.done():
                answered.set_result(answer)

        self._open.add(call)
        timer = self._world.loop.outside(TIMEOUT_S + wait_s, reply, ApiUnavailable("timed out"))
        self._network.send(self._host, call, reply)
        try:
            answer = await answered
        except asyncio.CancelledError:
            self._network.hang_up(call)
            raise
        finally:
            timer.cancel()
            self._open.discard(call)
        if isinstance(answer, FlowhandError):
            raise answer
        return answer
