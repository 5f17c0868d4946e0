"""Faults planted on purpose, in an adaptor around the real transactions: a simulation that does not find them proves nothing.

Each favours the kind of trouble in which it shows, to be found within few seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Connection, select, update

from flowhand.clock import JUMP_US, WatchedClock
from flowhand.wire.runner import ClaimedRun, ClaimRequest, ReportReply, ReportRequest
from flowhand_server.services import floor
from flowhand_server.services.reaper import Reaper
from flowhand_server.store.claim import Answer, claim
from flowhand_server.store.facts import write_fact
from flowhand_server.store.leases import LIVE
from flowhand_server.store.report import report
from flowhand_server.store.tables import flow_run, lease, session

from .house import House
from .server import LEASE_S

Plant = Callable[[House], None]
Report = Callable[[Connection, ReportRequest, str, int], ReportReply]
Claim = Callable[[Connection, ClaimRequest, str, int], Answer]


def no_fence(house: House) -> None:
    """States are taken whoever reports them: each is made to look as if it came from the holder of the current attempt."""

    def fenceless(real: Report, conn: Connection, request: ReportRequest, secret: str, now: int) -> ReportReply:
        for item in request.states:
            item.attempt = conn.execute(select(flow_run.c.attempt).where(flow_run.c.id == item.run_id)).scalar() or item.attempt
            current = update(lease).where(lease.c.flow_run_id == item.run_id, lease.c.attempt == item.attempt)
            conn.execute(current.values(session_id=request.session))
        return real(conn, request, secret, now)

    house.server.planted[report] = fenceless
    house.favoured = "suspend_host"


def no_floor(house: House) -> None:
    """The reaper works from its first tick on, and after every gap."""

    def bold(real: Callable[..., Any], conn: Connection, _settled: int) -> Any:
        now, jumps = clock_of(real).now_and_jumps()
        write_fact(conn, "reaper_tick", str(now))
        floor.raise_floor(conn, now, -1)
        return real(conn, jumps)

    house.server.planted[Reaper._work] = bold
    house.favoured = "kill_server"


def jumps_seen_at_looks(house: House) -> None:
    """The reaper compares wall and boot time at its looks, and nobody does in between: two jumps that undo each other are not seen."""
    apart: list[int] = []

    def between(real: Callable[..., Any], conn: Connection, _settled: int) -> Any:
        clock = clock_of(real)
        now, jumps = clock.now_and_jumps()
        apart.append(now - round(clock.boottime() * 1_000_000))
        jumped = len(apart) > 1 and abs(apart[-1] - apart.pop(0)) > JUMP_US
        return real(conn, -1 if jumped else jumps)

    house.server.planted[Reaper._work] = between
    house.server.planted[floor.doubt] = lambda _real, _conn: None
    house.favoured = "jolt_server_clock"


def clock_of(work: Any) -> WatchedClock:
    """Of the reaper whose transaction it is."""
    return work.__self__._clock


def renewal_by_session(house: House) -> None:
    """A heartbeat renews whatever its session holds, also what its daemon has never heard of."""

    def generous(real: Report, conn: Connection, request: ReportRequest, secret: str, now: int) -> ReportReply:
        reply = real(conn, request, secret, now)
        held = update(lease).where(lease.c.session_id == request.session, LIVE, lease.c.provisional_until.is_(None))
        conn.execute(held.values(expires_at=now + round(LEASE_S * 1_000_000)))
        return reply

    house.server.planted[report] = generous
    house.favoured = "crash_host"


def two_winners(house: House) -> None:
    """Of two claims at about the same time both get the run, as when rows are counted and taken without a lock."""
    given: list[ClaimedRun] = []

    def taken(real: Claim, conn: Connection, request: ClaimRequest, secret: str, now: int) -> Answer:
        answer = real(conn, request, secret, now)
        if answer.reply.runs:
            given[:] = answer.reply.runs
        elif request.slots and given:
            answer.reply.runs, answer.reply.claim = given[:], answer.reply.claim + 1
            conn.execute(update(session).where(session.c.id == request.session).values(claim=answer.reply.claim))
            given.clear()
        return answer

    house.server.planted[claim] = taken


def no_sequence_numbers(house: House) -> None:
    """What is sent again is stored again: the marks of the log streams are forgotten before each report."""

    def forgetful(real: Report, conn: Connection, request: ReportRequest, secret: str, now: int) -> ReportReply:
        for batch in request.logs:
            marks = dict.fromkeys(("mark_channel", "mark_stdout", "mark_stderr", "mark_daemon"), 0)
            conn.execute(update(lease).where(lease.c.flow_run_id == batch.run_id, lease.c.attempt == batch.attempt).values(marks))
        return real(conn, request, secret, now)

    house.server.planted[report] = forgetful


def late_hooks_not_filed(house: House) -> None:
    """A keeper acknowledges that hooks are called and does not file it: when it is killed, the next one begins them again."""
    for host in house.hosts:
        host.keeper.files_late_hooks = False
    house.favoured = "kill_keeper"


PLANTS: Final[dict[str, Plant]] = {
    "no fence": no_fence,
    "reaper without floor": no_floor,
    "jumps of the clock seen at looks alone": jumps_seen_at_looks,
    "renewal by session": renewal_by_session,
    "two winners of a claim": two_winners,
    "no sequence numbers": no_sequence_numbers,
    "late hooks not filed": late_hooks_not_filed,
}
"""Each by its name."""
