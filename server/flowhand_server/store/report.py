"""The report: logs, events, task runs, states, then renewals of one daemon, stored in one transaction with their high-water marks.

Sent again after a lost answer it changes nothing and answers the same. Logs are never refused by the fence; states are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, insert

from flowhand.wire.runner import (
    Attempt,
    LogBatch,
    Mark,
    Reason,
    Refusal,
    ReportReply,
    ReportRequest,
    StateItem,
    Stream,
)
from flowhand.wire.states import TERMINAL, StateType

from .adoption import adopt_runs
from .events import add_events
from .leases import STREAMS, Held, Holdings, ask_for_holdings, held, orders, renew, store_marks
from .notices import Notice, post
from .prepared import Prepared
from .reported_states import StateReport
from .reported_tasks import store_tasks
from .runs import ask_for_runs, loaded
from .sessions import Session, authenticate, seen
from .tables import log
from .texts import storable


def report(conn: Connection, request: ReportRequest, secret: str, now: int) -> ReportReply:
    """Stores what is new in the request. SessionRefused for a session that is over."""
    opened = authenticate(conn, request.session, secret)
    seen(conn, opened, now)
    return _Report(conn, request, opened, now).run()


_INSERT_LOG: Final = Prepared(insert(log), "flow_run_id", "task_run_id", "attempt", "timestamp", "level", "name", "message")


@dataclass(slots=True)
class _Report:
    """One report under way."""

    conn: Connection
    request: ReportRequest
    opened: Session
    now: int
    reply: ReportReply = field(default_factory=ReportReply)
    known: Holdings = field(default_factory=lambda: Holdings({}, {}))

    def run(self) -> ReportReply:
        request = self.request
        said = [*request.logs, *request.events, *request.tasks, *request.states]
        touched = {run_id for run_id, _ in request.renew} | {item.run_id for item in said}
        runs = None
        if touched:
            asked = ask_for_holdings(self.conn, touched)
            runs = ask_for_runs(self.conn, {item.run_id for item in request.states}) if request.states else None
            self.known = held(asked)
        self._store_logs(request.logs)
        add_events(self.conn, [item.event for item in request.events if item.run_id in self.known.runs], self.now)
        store_tasks(self.conn, self.known, request.tasks, self.now)
        if runs is not None:
            StateReport(self.conn, self.opened, self.known, self.reply, self.now).store(request.states, loaded(runs))
        self._renew(request.renew)
        store_marks(self.conn, self.known.held.values())
        self._answer_marks()
        self.reply.orders = orders(self.conn, self.opened.id, self.now, drain=self.opened.drain)
        self.reply.lease_s = self.opened.lease_us / 1_000_000
        return self.reply

    # --- logs ------------------------------------------------------------------------------------------------------------------------

    def _store_logs(self, batches: list[LogBatch]) -> None:
        rows: list[dict[str, Any]] = []
        for batch in batches:
            if batch.run_id not in self.known.runs:
                self.reply.refused.append(_refusal(batch, "unknown_run"))
                continue
            before = len(rows)
            rows.extend(_new_lines(batch, self.known.held.get((batch.run_id, batch.attempt))))
            if len(rows) > before:
                post(self.conn, Notice("run", key=batch.run_id))
        _INSERT_LOG.run_each(self.conn, rows)

    # --- renewals --------------------------------------------------------------------------------------------------------------------

    def _renew(self, wanted: list[Attempt]) -> None:
        good: list[Attempt] = []
        back: list[Attempt] = []
        for run_id, attempt in wanted:
            reason = self._why_lost(run_id, attempt)
            if reason is not None:
                self.reply.lost.append(Refusal(run_id=run_id, attempt=attempt, reason=reason))
            elif self.known.held[run_id, attempt].provisional:
                back.append((run_id, attempt))
            else:
                good.append((run_id, attempt))
        until = self.now + self.opened.lease_us
        renew(self.conn, good, until)
        if back:
            adopt_runs(self.conn, back, until, self.now)

    def _why_lost(self, run_id: str, attempt: int) -> Reason | None:
        if run_id not in self.known.runs:
            return "unknown_run"
        held = self.known.held.get((run_id, attempt))
        if held is None or not held.current:
            return "stale_attempt"
        if held.session_id != self.opened.id:
            return "superseded"
        if not held.live:
            return "terminal" if held.state_type in TERMINAL else "stale_attempt"
        if held.provisional and held.state_type != StateType.CRASHED:
            return "terminal"
        return None

    # --- marks -----------------------------------------------------------------------------------------------------------------------

    def _answer_marks(self) -> None:
        asked: set[tuple[str, int, Stream]] = {(item.run_id, item.attempt, "state") for item in self.request.states}
        for batch in self.request.logs:
            asked.update((batch.run_id, batch.attempt, line[0]) for line in batch.lines)
        marks: list[Mark] = []
        for run_id, attempt, stream in sorted(asked):
            held = self.known.held.get((run_id, attempt))
            if held is not None:
                marks.append((run_id, attempt, stream, held.marks[stream]))
        self.reply.marks = marks


def _new_lines(batch: LogBatch, held: Held | None) -> list[dict[str, Any]]:
    """The lines above the marks, as rows; the marks are moved. Of an attempt that is not known here every line is new."""
    marks = held.marks if held else dict.fromkeys(STREAMS, 0)
    rows: list[dict[str, Any]] = []
    for stream, seq, stamp, level, name, message, task_run_id in batch.lines:
        if seq <= marks[stream]:
            continue
        marks[stream] = seq
        rows.append(
            {
                "flow_run_id": batch.run_id,
                "task_run_id": task_run_id,
                "attempt": batch.attempt,
                "timestamp": stamp,
                "level": level,
                "name": name,
                "message": storable(message),
            }
        )
    if held and rows:
        held.changed = True
    return rows


def _refusal(item: LogBatch | StateItem, reason: Reason) -> Refusal:
    stream = item.lines[0][0] if isinstance(item, LogBatch) and item.lines else None
    return Refusal(run_id=item.run_id, attempt=item.attempt, reason=reason, stream=stream)
