"""A claim of one very run, by its id: how a script takes the run of the flow that it calls, and a container the run that it is for."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, select

from flowhand.wire.states import StateType

from .lanes import Candidate, Look
from .leases import LIVE
from .prepared import Prepared
from .scope import Scope
from .tables import flow_run, lease

_r = flow_run.c
_run: Final = select(_r.state_type, _r.state_name, _r.in_process, _r.next_scheduled_start_time, _r.created).where(_r.id == bindparam("id"))
_ASKED: Final = Prepared(_run)
_LOCKED: Final = Prepared(_run.with_for_update())
_HELD: Final = Prepared(select(lease.c.flow_run_id).where(lease.c.flow_run_id == bindparam("id"), LIVE))


def find_run(conn: Connection, run_id: str | None, *, lock: bool) -> tuple[Scope, Look]:
    """The run as the only candidate, however far its time is, or in words why it cannot be had.

    Pauses and limits of its deployment, queue and pool are not asked: somebody runs it by hand, in a process of his own.
    A Pending run that nobody has leased is to be had as well: a worker of Prefect's has made it so, and started us to execute it.
    With `lock` the run's row is locked (where there are row locks), so that of two who ask the second sees what the first did.
    """
    row = (_LOCKED if lock else _ASKED).first(conn, id=run_id)
    if row is None:
        return Scope(nothing=f"flow run {run_id} does not exist" if run_id else "this session claims runs by their id"), Look()
    handed_over = row.state_type == StateType.PENDING and _HELD.first(conn, id=run_id) is None
    if row.in_process or not (row.state_type == StateType.SCHEDULED or handed_over):
        return Scope(nothing=f"flow run {run_id} is {row.state_name or 'in no state'}; only a scheduled one can be claimed"), Look()
    return Scope(), Look(taken=[Candidate(str(run_id), row.next_scheduled_start_time or row.created)])
