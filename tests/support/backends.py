"""A server in memory, for tests of the daemon's loops: the Backend port without a wire.

It keeps marks as the real one does and can be told to be away, to refuse, or to forget the session.
"""

from __future__ import annotations

from collections.abc import Callable

from flowhand.errors import ApiRefused, ApiUnavailable, FlowhandError
from flowhand.wire.runner import (
    ClaimReply,
    ClaimRequest,
    ReleaseReply,
    ReleaseRequest,
    ReportReply,
    ReportRequest,
    SessionReply,
    SessionRequest,
    StateResult,
)


class MemoryBackend:
    """Implements Backend. `trouble` is asked before each call and may return an error to raise."""

    def __init__(self) -> None:
        self.session = 0
        self.requests: list[ReportRequest] = []
        self.lines: dict[tuple[str, int], list[str]] = {}
        self.states: list[tuple[str, int, str]] = []
        self.released: list[tuple[str, int]] = []
        self.claims: list[ClaimReply] = []
        self.claimed: list[ClaimRequest] = []
        self.marks: dict[tuple[str, int, str], int] = {}
        self.trouble: Callable[[str, object], FlowhandError | None] = lambda _call, _body: None

    async def open_session(self, request: SessionRequest) -> SessionReply:
        """A new session; the one before is superseded."""
        self._ask("session", request)
        self.session += 1
        return SessionReply(
            session=str(self.session), secret="s", server_id="server", version="0", lease_s=60, margin_s=10, grace_s=3600, heartbeat_s=10
        )

    def resume_session(self, session: str, secret: str) -> None:
        """Nothing to remember."""

    async def claim(self, request: ClaimRequest) -> ClaimReply:
        """What a test has put into `claims`."""
        self._ask("claim", request)
        self._check(request.session)
        self.claimed.append(request)
        return self.claims.pop(0) if self.claims else ClaimReply(claim=request.last_claim)

    async def report(self, request: ReportRequest) -> ReportReply:
        """Stores what is above the marks."""
        self._ask("report", request)
        self._check(request.session)
        self.requests.append(request)
        reply = ReportReply(lease_s=60)
        for batch in request.logs:
            for stream, seq, *_rest, message, _task in batch.lines:
                if self._above(batch.run_id, batch.attempt, stream, seq):
                    self.lines.setdefault((batch.run_id, batch.attempt), []).append(message)
        for item in request.states:
            if self._above(item.run_id, item.attempt, "state", item.seq):
                self.states.append((item.run_id, item.attempt, item.type))
            reply.states.append(StateResult(run_id=item.run_id, attempt=item.attempt, seq=item.seq, type=item.type, name=item.name or ""))
        reply.marks = [(run, attempt, stream, seq) for (run, attempt, stream), seq in self.marks.items()]  # type: ignore[misc]
        return reply

    async def release(self, request: ReleaseRequest) -> ReleaseReply:
        """Takes them back."""
        self._ask("release", request)
        self.released += request.runs
        return ReleaseReply(released=request.runs)

    async def close_session(self, session: str) -> None:
        """Nothing is left of it."""

    async def close(self) -> None:
        """Nothing to close."""

    def _ask(self, call: str, body: object) -> None:
        error = self.trouble(call, body)
        if error is not None:
            raise error

    def _check(self, session: str) -> None:
        if session != str(self.session):
            raise ApiRefused("superseded", 409, "superseded")

    def _above(self, run_id: str, attempt: int, stream: str, seq: int) -> bool:
        known = self.marks.get((run_id, attempt, stream), 0)
        self.marks[(run_id, attempt, stream)] = max(known, seq)
        return seq > known


def away(times: int) -> Callable[[str, object], FlowhandError | None]:
    """Trouble: the API cannot be reached for so many reports."""
    left = [times]

    def trouble(call: str, _body: object) -> FlowhandError | None:
        if call != "report" or left[0] <= 0:
            return None
        left[0] -= 1
        return ApiUnavailable("connection refused")

    return trouble
