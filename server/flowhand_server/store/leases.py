"""Leases: who holds which attempt of which run, and until when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, literal_column, or_, select, update

from flowhand.wire.runner import Attempt, Lease, Orders, Stream
from flowhand.wire.states import TERMINAL, StateType

from .prepared import Asked, Prepared, among
from .tables import deployment, flow_run, lease, work_pool, work_queue

STREAMS: Final[tuple[Stream, ...]] = ("channel", "stdout", "stderr", "daemon", "state")
LIVE: Final = literal_column("lease.ended_at IS NULL")
"""Written out, since only then the partial index answers it."""


@dataclass(slots=True)
class Held:
    """A row of `lease`, with what its run looks like."""

    run_id: str
    attempt: int
    session_id: str
    live: bool
    provisional: bool
    marks: dict[Stream, int]
    crash_policy: str
    max_interruptions: int
    run_attempt: int
    state_type: str | None
    changed: bool = False
    """Whether its marks have moved."""

    @property
    def current(self) -> bool:
        """Whether it is the run's newest attempt."""
        return self.attempt == self.run_attempt


_l, _r = lease.c, flow_run.c
_HELD: Final = Prepared(
    select(
        _r.id,
        _r.attempt.label("run_attempt"),
        _r.state_type,
        _l.attempt,
        _l.session_id,
        _l.ended_at,
        _l.provisional_until,
        _l.crash_policy,
        _l.max_interruptions,
        *(lease.c[f"mark_{stream}"] for stream in STREAMS),
    )
    .outerjoin_from(flow_run, lease, _l.flow_run_id == _r.id)
    .where(among(_r.id, "ids"))
)


@dataclass(slots=True)
class Holdings:
    """What is known of the attempts that a request speaks of."""

    runs: dict[str, int]
    """Run id to newest attempt, for runs that exist."""
    held: dict[Attempt, Held]


def holdings(conn: Connection, run_ids: Iterable[str]) -> Holdings:
    """Every attempt of these runs."""
    return held(ask_for_holdings(conn, run_ids))


def ask_for_holdings(conn: Connection, run_ids: Iterable[str]) -> Asked:
    """`holdings` under way: `held` has what comes of it."""
    return _HELD.ask(conn, ids=run_ids)


def held(asked: Asked) -> Holdings:
    """The attempts that were asked for."""
    found = Holdings({}, {})
    for row in asked.all():
        found.runs[row.id] = row.run_attempt
        if row.attempt is not None:
            found.held[row.id, row.attempt] = _as_held(row)
    return found


def _as_held(row: Any) -> Held:
    return Held(
        run_id=row.id,
        attempt=row.attempt,
        session_id=row.session_id,
        live=row.ended_at is None,
        provisional=row.provisional_until is not None,
        marks=dict(zip(STREAMS, row[-len(STREAMS) :], strict=True)),
        crash_policy=row.crash_policy,
        max_interruptions=row.max_interruptions,
        run_attempt=row.run_attempt,
        state_type=row.state_type,
    )


_MARK: Final = Prepared(
    update(lease)
    .where(_l.flow_run_id == bindparam("b_run"), _l.attempt == bindparam("b_attempt"))
    .values({f"mark_{stream}": bindparam(stream) for stream in STREAMS})
)


def store_marks(conn: Connection, held: Iterable[Held]) -> None:
    """Stores the high-water marks of the attempts whose marks have changed."""
    rows: list[dict[str, Any]] = [{"b_run": h.run_id, "b_attempt": h.attempt, **h.marks} for h in held if h.changed]
    _MARK.run_each(conn, rows)


_OF_ATTEMPT: Final = (_l.flow_run_id == bindparam("b_run"), _l.attempt == bindparam("b_attempt"))
_RENEW: Final = Prepared(update(lease).where(*_OF_ATTEMPT).values(expires_at=bindparam("until")))
_END: Final = Prepared(update(lease).where(*_OF_ATTEMPT).values(ended_at=bindparam("now"), provisional_until=None))
_ADOPT: Final = Prepared(update(lease).where(*_OF_ATTEMPT).values(provisional_until=None, expires_at=bindparam("until")))


_GRANT: Final = Prepared(
    insert(lease),
    *("flow_run_id", "attempt", "session_id", "claim", "deployment_id", "claimed_at", "due", "expires_at"),
    *("crash_policy", "max_interruptions"),
)


def grant(conn: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes new leases, as rows of the table."""
    _GRANT.run_each(conn, rows)


def renew(conn: Connection, attempts: Sequence[Attempt], until: int) -> None:
    """Extends leases that were found good."""
    _each(conn, _RENEW, attempts, until=until)


def end(conn: Connection, attempts: Sequence[Attempt], now: int) -> None:
    """Ends leases. Idempotent."""
    _each(conn, _END, attempts, now=now)


def adopt(conn: Connection, attempts: Sequence[Attempt], until: int) -> None:
    """Makes provisional leases whole again."""
    _each(conn, _ADOPT, attempts, until=until)


def _each(conn: Connection, statement: Prepared, attempts: Sequence[Attempt], **values: int) -> None:
    statement.run_each(conn, [{"b_run": run, "b_attempt": attempt, **values} for run, attempt in attempts])


_MOVE: Final = Prepared(
    update(lease).where(among(_l.session_id, "heirs"), LIVE).values(session_id=bindparam("heir"), claim=0, expires_at=bindparam("until"))
)


def move_leases(conn: Connection, heirs: list[str], new: str, until: int) -> None:
    """Hands what the superseded sessions hold to the new one, for a whole lease from now."""
    _MOVE.run(conn, heirs=heirs, heir=new, until=until)


_LIVE_OF: Final = Prepared(
    select(_l.flow_run_id, _l.attempt, _l.expires_at, _l.provisional_until, _r.state_type)
    .join_from(lease, flow_run, _r.id == _l.flow_run_id)
    .where(_l.session_id == bindparam("session"), LIVE)
)


def live_leases(conn: Connection, session_id: str, now: int) -> list[Lease]:
    """What the session holds."""
    return [
        Lease(
            run_id=row.flow_run_id,
            attempt=row.attempt,
            expires_in_s=(row.expires_at - now) / 1_000_000,
            state_type=row.state_type,
            provisional=row.provisional_until is not None,
        )
        for row in _LIVE_OF.all(conn, session=session_id)
    ]


_TO_STOP: Final = frozenset({StateType.CANCELLING}) | TERMINAL
_NOTEWORTHY: Final = Prepared(
    select(_l.flow_run_id, _l.attempt, _r.state_type)
    .join_from(lease, flow_run, _r.id == _l.flow_run_id)
    .where(
        _l.session_id == bindparam("session"),
        LIVE,
        _l.provisional_until.is_(None),
        or_(_l.due > bindparam("now"), *(_r.state_type == stopped for stopped in sorted(_TO_STOP))),
    )
)
_REVOKED: Final = Prepared(
    select(_l.flow_run_id, _l.attempt)
    .join_from(lease, flow_run, _r.id == _l.flow_run_id)
    .outerjoin(deployment, deployment.c.id == _l.deployment_id)
    .outerjoin(work_queue, work_queue.c.id == _r.work_queue_id)
    .outerjoin(work_pool, work_pool.c.id == _r.work_pool_id)
    .where(
        _l.session_id == bindparam("session"),
        LIVE,
        _l.due > bindparam("now"),
        _r.state_type == StateType.PENDING,
        or_(
            work_pool.c.is_paused,
            work_queue.c.is_paused,
            _l.deployment_id.is_not(None) & deployment.c.id.is_(None),
            _r.auto_scheduled & deployment.c.paused,
            deployment.c.updated > _l.claimed_at,
        ),
    )
)


def orders(conn: Connection, session_id: str, now: int, *, drain: bool = False) -> Orders:
    """What the server wants of the session: runs to cancel (or ended by somebody else), and prefetched ones to hand back."""
    return PendingOrders(conn, session_id, now).orders(drain=drain)


class PendingOrders:
    """`orders` under way."""

    def __init__(self, conn: Connection, session_id: str, now: int) -> None:
        self._whom = (conn, session_id, now)
        self._noteworthy = _NOTEWORTHY.ask(conn, session=session_id, now=now)

    def orders(self, *, drain: bool) -> Orders:
        """What came of it."""
        conn, session_id, now = self._whom
        found = self._noteworthy.all()
        cancel = [(row.flow_run_id, row.attempt) for row in found if row.state_type in _TO_STOP]
        early = len(cancel) < len(found)
        revoke = [(row.flow_run_id, row.attempt) for row in _REVOKED.all(conn, session=session_id, now=now)] if early else []
        return Orders(cancel=cancel, revoke=revoke, drain=drain)
