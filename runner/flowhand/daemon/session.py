"""The daemon's session with the server: opened with patience, superseded by its successor, opened again when the server forgot it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import anyio
import structlog

from flowhand.backends.backend import Backend
from flowhand.daemon.backoff import Backoff
from flowhand.daemon.instance import Instance, Stamp
from flowhand.daemon.outage import Outage
from flowhand.errors import ApiRefused, ApiUnavailable, ObjectNotFound
from flowhand.wire.runner import SessionReply, SessionRequest, Supersedes

log = structlog.get_logger("flowhand.daemon")


class Session:
    """One session after another, as one thing to the rest of the daemon."""

    def __init__(
        self, backend: Backend, request: SessionRequest, instance: Instance, stamp: Stamp, backoff: Callable[[], Backoff] = Backoff
    ) -> None:
        self._backend = backend
        self._request = request
        self._instance = instance
        self._stamp = stamp
        """Of ourselves; session and secret are filled in once they are known."""
        self._new_backoff = backoff
        self._lock = anyio.Lock()
        self._reply: SessionReply | None = None
        self.contact = anyio.Event()
        """Set once the server has been reached."""
        self.outage = Outage()
        """Told of each answer by whoever gets one."""
        self.on_reopened: Callable[[SessionReply], None] = lambda _reply: None
        """Told of each session that took the place of a lost one, before anything else happens in it; set once by the composition."""

    @property
    def id(self) -> str:
        return self.reply.session

    @property
    def reply(self) -> SessionReply:
        """The open session. Only to be asked once `open` returned."""
        assert self._reply is not None, "the session is open before any loop starts"
        return self._reply

    async def open(self, previous: Stamp | None) -> tuple[SessionReply, bool]:
        """Opens the first session, waiting for the API for ever. Answers the session and whether the previous stamp is another server's.

        Unauthorized, ObjectNotFound and other refusals are raised: waiting would not mend them.
        """
        supersedes = Supersedes(session=previous.session, secret=previous.secret) if previous and previous.session else None
        reply = await self._open(supersedes)
        return reply, previous is not None and previous.server_id not in ("", reply.server_id)

    async def reopen(self, lost: str) -> None:
        """The server does not know session `lost` any more: opens another in its place. Callers that lost the same one share the result."""
        async with self._lock:
            if self._reply is None or self._reply.session != lost:
                return
            log.warning("The server does not know our session any more; opening another")
            before = self._reply.server_id
            try:
                reply = await self._open(Supersedes(session=lost, secret=self._reply.secret))
            except ObjectNotFound as error:
                why = "was it deleted, or the API's database reset? Make it again, then start the worker again"
                raise ObjectNotFound(f"{error}: {why}") from error
            if reply.server_id != before:
                log.warning("The API has another database than before, as after a reset: it knows none of our runs, and they are stopped")
            self.on_reopened(reply)

    async def _open(self, supersedes: Supersedes | None) -> SessionReply:
        backoff = self._new_backoff()
        while True:
            try:
                reply = await self._backend.open_session(self._request.model_copy(update={"supersedes": supersedes}))
                break
            except ApiUnavailable as error:
                delay = backoff.next(error.retry_after)
                if backoff.failures in (1, 4) or backoff.failures % 20 == 0:
                    log.warning(
                        "The API cannot be reached; trying again for as long as it takes", error=str(error), next_try_s=round(delay, 1)
                    )
                await anyio.sleep(delay)
        self._reply = reply
        self._stamp = replace(self._stamp, session=reply.session, secret=reply.secret, server_id=reply.server_id)
        try:
            self._instance.write_stamp(self._stamp)
        except OSError as error:
            log.error("The stamp cannot be written; after a kill, the next daemon could not take the runs over", why=error.strerror)
        self.contact.set()
        return reply

    async def close(self) -> None:
        """Ends the session; what the server would not hear is left to the lease's end."""
        try:
            await self._backend.close_session(self.id)
        except (ApiUnavailable, ApiRefused) as error:
            log.warning("The session could not be closed; the server will see it lapse", error=str(error))
