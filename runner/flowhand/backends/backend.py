"""The Backend port: sessions, claims and reports, whatever server stands behind them.

Errors are those of `flowhand.errors`: `ApiUnavailable` (come again), `Unauthorized`, `ObjectNotFound`, `ApiRefused` (do not). Calls are
idempotent as docs/protocol.md says: a claim by `last_claim`, a report by seq, a release by attempt.
"""

from __future__ import annotations

from typing import Protocol

from flowhand.wire.runner import (
    ClaimReply,
    ClaimRequest,
    ReleaseReply,
    ReleaseRequest,
    ReportReply,
    ReportRequest,
    SessionReply,
    SessionRequest,
)


class Backend(Protocol):
    """One server, one session at a time. `open_session` remembers the session's secret for the calls that follow."""

    async def open_session(self, request: SessionRequest) -> SessionReply:
        """Opens a session, taking over the one it supersedes. ObjectNotFound for an unknown pool or deployment."""
        ...

    def resume_session(self, session: str, secret: str) -> None:
        """Goes on with a session that is already open (after a re-exec)."""
        ...

    async def claim(self, request: ClaimRequest) -> ClaimReply:
        """Waits up to `wait_s` seconds for runs or orders."""
        ...

    async def report(self, request: ReportRequest) -> ReportReply:
        """Hands over states, logs and renewals."""
        ...

    async def release(self, request: ReleaseRequest) -> ReleaseReply:
        """Hands back runs that have not begun."""
        ...

    async def close_session(self, session: str) -> None:
        """Ends the session; idempotent."""
        ...

    async def close(self) -> None:
        """Closes connections."""
        ...
