"""The Backend port on our own server: `/api/runner` over connections kept alive.

The claim and the report are the daemon's hot path: no client per request, no retries in here (the daemon's loops have their own
back-off), bodies written and read by pydantic's core in one step each.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from anyio import to_thread
from pydantic import BaseModel, ValidationError

from flowhand.client.address import Address
from flowhand.client.answers import Answer, read_answer, unreachable
from flowhand.client.call import Call, read_nothing
from flowhand.client.embedded import ensure_api
from flowhand.client.transport import HotPath, httpx
from flowhand.errors import ApiRefused, ApiUnavailable, ObjectAlreadyExists, ServerUnusable
from flowhand.settings import Settings
from flowhand.wire.runner import (
    MAX_REPORT_BYTES,
    SECRET_HEADER,
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

Reply = TypeVar("Reply", bound=BaseModel)
TOO_LARGE: Final = 413
LONG_POLL_SLACK_S: Final = 10.0
"""How much longer than its own `wait_s` a long poll may take before the connection is given up."""


class NativeBackend:
    """One server, one session at a time. `revive`, when given, brings an embedded server up again and says where it is.

    Every method may be cancelled; a cancelled request may or may not have reached the server, which the protocol allows for.
    """

    def __init__(self, address: Address, *, timeout_s: float = 30.0, revive: Callable[[], Address] | None = None) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._revive = revive
        self._http = HotPath(address)
        self._headers: dict[str, str] = {}

    @classmethod
    async def open(cls, settings: Settings) -> NativeBackend:
        """A backend on the API that the settings mean; the embedded server is started when none is configured. ServerUnusable."""
        revive = partial(ensure_api, settings)
        return cls(await to_thread.run_sync(revive), timeout_s=settings.api_timeout, revive=revive)

    @property
    def address(self) -> Address:
        """Where the server is; may change when an embedded server was started again."""
        return self._address

    async def open_session(self, request: SessionRequest) -> SessionReply:
        """Opens a session and remembers its secret. ObjectNotFound for an unknown pool or deployment."""
        about = f"work pool {request.work_pool!r}" if request.work_pool else "deployment to serve"
        reply = await self._post("runner/session", request, SessionReply, about=about)
        self.resume_session(reply.session, reply.secret)
        return reply

    def resume_session(self, session: str, secret: str) -> None:
        """Goes on with a session that is already open (after a re-exec). The bodies name the session, the header proves it."""
        self._headers[SECRET_HEADER] = secret

    async def claim(self, request: ClaimRequest) -> ClaimReply:
        """Waits up to `wait_s` seconds for runs or orders."""
        return await self._post("runner/claim", request, ClaimReply, timeout_s=request.wait_s + LONG_POLL_SLACK_S)

    async def report(self, request: ReportRequest) -> ReportReply:
        """Hands over states, logs and renewals. ApiRefused with 413 for more than the server reads."""
        return await self._post("runner/report", request, ReportReply)

    async def release(self, request: ReleaseRequest) -> ReleaseReply:
        """Hands back runs that have not begun."""
        return await self._post("runner/release", request, ReleaseReply)

    async def close_session(self, session: str) -> None:
        """Ends the session; a session that is closed, superseded or forgotten already is as good."""
        try:
            await self._send("runner/close", CloseRequest(session=session))
        except ApiRefused as error:
            if error.status != 409:
                raise

    async def close(self) -> None:
        """Closes connections; idempotent."""
        await self._http.close()

    async def _post(self, path: str, body: BaseModel, reply: type[Reply], *, about: str = "", timeout_s: float | None = None) -> Reply:
        content = await self._send(path, body, about=about, timeout_s=timeout_s)
        try:
            return reply.model_validate_json(content)
        except ValidationError as error:
            raise ApiUnavailable(f"the API at {self._address.url} sent an answer to {path} that cannot be read: {error}") from None

    async def _send(self, path: str, body: BaseModel, *, about: str = "", timeout_s: float | None = None) -> bytes:
        content = body.__pydantic_serializer__.to_json(body)
        if len(content) > MAX_REPORT_BYTES:  # a server hangs up in the middle of it, which looks like one that is away
            raise ApiRefused(f"{len(content)} bytes are more than {path} takes in one request", TOO_LARGE, "too_large")
        try:
            status, headers, answer = await self._http.post(path, content, self._headers, timeout_s or self._timeout_s)
        except httpx.TransportError as error:
            await self._look_again(error)
            raise unreachable(self._address, error) from error
        if status < 300:
            return answer
        return self._refused(path, about, Answer(status, headers, answer))

    def _refused(self, path: str, about: str, answer: Answer) -> bytes:
        try:
            read_answer(Call("POST", f"/{path}", read_nothing, about=about), answer, self._address)
        except ObjectAlreadyExists as error:
            raise ApiRefused(f"the server no longer takes this session: {error.detail}", error.status, error.detail) from None
        raise AssertionError(answer.status)

    async def _look_again(self, error: httpx.TransportError) -> None:
        """Nobody listens where an embedded server was: it is started again, or found at its new port, for the caller's next try."""
        if self._revive is None or not self._address.embedded or not isinstance(error, httpx.ConnectError):
            return
        try:
            address = await to_thread.run_sync(self._revive)
        except ServerUnusable:
            return  # the refused connection is what the caller hears of; its next try looks again
        if address != self._address:
            gone, self._address, self._http = self._http, address, HotPath(address)
            await gone.close()
