"""What must hold: looked at after every commit of the server, every second, and at the end."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from flowhand.wire.states import TERMINAL
from flowhand_server.orchestration.job_configuration import MAX_INTERRUPTIONS

from .database import raw
from .ledger import Attempt, Ledger
from .server import LEASE_S, SimServer

REAPED_WITHIN_S: Final = 5.0
IDLE_ALLOWANCE_S: Final = 5.0
"""A reaper that nobody gave anything to do starts its watch anew."""
_STATES: Final = """
SELECT s.rowid, s.flow_run_id, s.type, s.name, s.attempt, l.session_id, l.provisional_until, s.message LIKE 'Lost contact%'
FROM flow_run_state s LEFT JOIN lease l ON l.flow_run_id = s.flow_run_id AND l.attempt = s.attempt
WHERE s.rowid > ? ORDER BY s.rowid
"""
_ANNOUNCED: Final = "Calling its "
_HOW_IT_WENT: Final = "The hooks "
"""What daemons say of hooks that they have called by another process."""
_LOGS: Final = "SELECT cursor, flow_run_id, attempt, message FROM log WHERE cursor > ? ORDER BY cursor"
_LATE: Final = "SELECT flow_run_id, attempt, expires_at FROM lease WHERE ended_at IS NULL AND provisional_until IS NULL AND expires_at < ?"
_OPEN: Final = "SELECT id, state_type, attempt FROM flow_run WHERE state_type NOT IN ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')"
_RUNS: Final = "SELECT id, state_type, state_name, attempt, interruptions FROM flow_run"
_LIVE: Final = "SELECT flow_run_id, attempt, provisional_until FROM lease WHERE ended_at IS NULL"


class Checker:
    """Compares what the database says with what is true."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._world = ledger.world
        self.server: SimServer
        self._last_state = 0
        self._last_line = 0
        self._closed: dict[str, tuple[int, str]] = {}
        """Runs to the attempt that was closed last, and the type that closed it."""
        self._heard: dict[tuple[str, int, str], int] = defaultdict(int)
        self._announced: dict[tuple[str, int], int] = defaultdict(int)
        self.given_up: set[tuple[str, int]] = set()
        """Attempts whose owner the reaper has given up."""
        self.ill: float = -1000.0
        """When the server was last not itself: down, unable to write, or its clock set."""

    # --- after every commit

    def committed(self) -> None:
        """Looks at what is new."""
        conn = raw(self.server.conn)
        for rowid, run_id, kind, name, attempt, session, provisional, lost in conn.execute(_STATES, (self._last_state,)).fetchall():
            self._last_state = rowid
            self._world.note("database", f"{run_id}.{attempt} {name}" + (" (provisional)" if provisional and kind == "CRASHED" else ""))
            self._state(run_id, kind, name, attempt, provisional=bool(provisional) and kind == "CRASHED")
            if lost:
                self._reaped(run_id, attempt, session)
        for cursor, run_id, attempt, message in conn.execute(_LOGS, (self._last_line,)).fetchall():
            self._last_line = cursor
            self._line(run_id, attempt, message)

    def _state(self, run_id: str, kind: str, name: str, attempt: int, *, provisional: bool) -> None:
        closed = self._closed.get(run_id)
        if closed is not None:
            old, by = closed
            if attempt < old or (attempt == old and not (by == "SCHEDULED" and kind in ("SCHEDULED", "CANCELLED"))):
                self._ledger.blame(f"{run_id}: attempt {attempt} enters {name} although attempt {old} was closed by {by}")
        if (kind in TERMINAL and not provisional) or (kind == "SCHEDULED" and attempt):
            self._closed[run_id] = (attempt, kind)

    def _reaped(self, run_id: str, attempt: int, session: str | None) -> None:
        """The reaper gave somebody up: was he really lost?"""
        self.given_up.add((run_id, attempt))
        host = self._ledger.sessions.get(session or "")
        now = self._world.now()
        if host is None or host in self._ledger.forgetful:
            return
        if not self._ledger.troubled(host, now - LEASE_S - 1.0, now):
            self._ledger.blame(f"{run_id}.{attempt} was taken from {host}, which has been well all the time")

    def _line(self, run_id: str, attempt: int, message: str) -> None:
        page = self._ledger.attempts.get((run_id, attempt))
        if page is None:
            self._ledger.blame(f"a line of nobody: {message!r} under {run_id}.{attempt}")
            return
        if message.startswith(_ANNOUNCED):
            self._announced[run_id, attempt] += 1
            if self._announced[run_id, attempt] > 1:
                self._ledger.blame(f"log of {run_id}.{attempt}: its hooks are announced twice")
        if message.startswith((_ANNOUNCED, _HOW_IT_WENT)):
            return
        stream = next((stream for stream in ("hook", "channel") if f" {stream} " in message), "stdout")
        if stream == "hook" and page.files_lost:
            return  # what says that they were begun may be gone with the host's power, and they are begun again
        count = self._heard[run_id, attempt, stream]
        lines = page.said[stream]
        torn = page.files_lost and count < len(lines) and lines[count].startswith(message)
        if not torn and (count >= len(lines) or lines[count] != message):
            expected = lines[count] if count < len(lines) else "nothing"
            self._ledger.blame(f"log of {run_id}.{attempt}: {message!r} arrived where {expected!r} was due (lost, doubled or out of order)")
        self._heard[run_id, attempt, stream] = count + 1

    # --- every second

    def tick(self) -> None:
        """Nobody may hold a lease long after it has run out, while the server is well."""
        now = self._world.now()
        if self.server.life is None or now - self.ill < LEASE_S + REAPED_WITHIN_S + IDLE_ALLOWANCE_S:
            return
        wall = self.server.clock.now_us()
        for run_id, attempt, expires in raw(self.server.conn).execute(_LATE, (wall - round((REAPED_WITHIN_S) * 1e6),)).fetchall():
            late = (wall - expires) / 1e6
            if late > REAPED_WITHIN_S + IDLE_ALLOWANCE_S or self._world.now() - self.ill > 3 * LEASE_S:
                self._ledger.blame(f"the lease of {run_id}.{attempt} ran out {late:.1f} s ago and nobody has seen to it")

    # --- at the end

    def settled(self) -> bool:
        """Whether every run has ended and nobody holds anything."""
        conn = raw(self.server.conn)
        return not conn.execute(_OPEN).fetchone() and not conn.execute(_LIVE).fetchone()

    def unsettled(self) -> str:
        """What is not settled, in words."""
        conn = raw(self.server.conn)
        runs = [f"{run_id} is {kind} in attempt {attempt}" for run_id, kind, attempt in conn.execute(_OPEN)]
        leases = [f"{run_id}.{attempt} is held" + (" provisionally" if p else "") for run_id, attempt, p in conn.execute(_LIVE)]
        return "; ".join((*runs, *leases)) or "nothing"

    def finish(self) -> None:
        """Compares each run's end with what truly happened, and each log with what was said."""
        for run_id, kind, name, attempt, interruptions in raw(self.server.conn).execute(_RUNS).fetchall():
            page = self._ledger.attempts.get((run_id, attempt))
            self._judge(run_id, attempt, kind, name, page or Attempt())
            self._judge_hooks(run_id, attempt, page or Attempt())
            tries = MAX_INTERRUPTIONS - interruptions if self._ledger.policies[run_id] == "retry" else 0
            if kind == "CRASHED" and page is not None and page.fenced and not page.files_lost and page.ended is None and tries > 0:
                self._ledger.blame(f"{run_id} lost its lease and was not begun again, though it may be")
        for (run_id, attempt), page in self._ledger.attempts.items():
            self._judge_log(run_id, attempt, page)

    def _judge(self, run_id: str, attempt: int, kind: str, name: str, page: Attempt) -> None:
        if kind == page.ended or (kind == "CANCELLED" and run_id in self._ledger.cancelled):
            return
        if page.ended is None and kind == "CRASHED":
            return
        excused = page.files_lost or (run_id, attempt) in self.given_up
        if not (excused and kind == "CRASHED"):
            self._ledger.blame(f"{run_id} is {name} although attempt {attempt} truly ended {page.ended}")

    def _judge_hooks(self, run_id: str, attempt: int, page: Attempt) -> None:
        """Once, when nothing stopped their host for good."""
        begun = any((body.run_id, body.attempt) == (run_id, attempt) for body in self._ledger.bodies)
        wanted = int(begun and self._ledger.scripts[run_id].hooks_s is not None and not page.tried_again)
        lost = page.files_lost or page.fenced or page.hooks_cut or (run_id, attempt) in self.given_up
        excused = lost or page.hosts & self._ledger.drained
        if (page.hooks > wanted and not page.files_lost) or (page.hooks < wanted and not excused):
            self._ledger.blame(f"the hooks of {run_id}.{attempt} were called {page.hooks} times, not {wanted}")

    def _judge_log(self, run_id: str, attempt: int, page: Attempt) -> None:
        if page.files_lost:
            return
        for stream, lines in page.said.items():
            heard = self._heard[run_id, attempt, stream]
            if heard < len(lines):
                self._ledger.blame(f"log of {run_id}.{attempt}: {len(lines) - heard} of {len(lines)} lines of {stream} were lost")
