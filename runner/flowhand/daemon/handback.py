"""Handing runs back to Scheduled, that have not begun or are begun again: sent until the server has taken or refused it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog

from flowhand.backends.backend import Backend
from flowhand.daemon.backoff import Backoff
from flowhand.daemon.registry import Registry
from flowhand.daemon.session import Session
from flowhand.errors import ApiRefused, ApiUnavailable, Unauthorized
from flowhand.wire.job import key_of
from flowhand.wire.runner import Attempt, Lease, ReleaseRequest
from flowhand.wire.states import StateType

log = structlog.get_logger("flowhand.daemon")
CONFLICT = 409


class HandBack:
    """Releases leases."""

    def __init__(self, backend: Backend, session: Session, backoff: Callable[[], Backoff] = Backoff) -> None:
        self._backend = backend
        self._session = session
        self._backoff = backoff

    async def release(self, attempts: list[Attempt], reason: str, *, interrupted: bool = False) -> None:
        """Returns once the server has answered; waits for it for ever. Idempotent by attempt. `interrupted`: what they ran in went away,
        which the server counts."""
        backoff = self._backoff()
        while attempts:
            request = ReleaseRequest(session=self._session.id, runs=attempts, reason=reason, interrupted=interrupted)
            try:
                await self._backend.release(request)
            except ApiUnavailable as error:
                await self._session.outage.sit_out(backoff.next(error.retry_after), error.retry_after)
                continue
            except Unauthorized:
                raise
            except ApiRefused as error:
                if error.status == CONFLICT:
                    await self._session.reopen(request.session)
                    continue
                log.warning("Runs could not be handed back; their leases will end", runs=len(attempts), error=str(error))
            return


def never_started(leases: Iterable[Lease], registry: Registry) -> list[Attempt]:
    """Leases that came over from another session of ours and that we know nothing of: the answer that gave them was lost.

    Nothing can have been started for them, because a claim is journaled first. One that the server has seen running is left to its lease.
    """
    return [
        (lease.run_id, lease.attempt)
        for lease in leases
        if registry.get(key_of(lease.run_id, lease.attempt)) is None and lease.state_type != StateType.RUNNING
    ]
