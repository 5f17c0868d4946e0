"""A claim of one very run, by its id: how a script takes the run of the flow that it calls."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, select

from flowhand.wire.states import StateType

from .lanes import Candidate, Look
from .scope import Scope
from .tables import flow_run

_r = flow_run.c
_ASKED: Final = select(_r.state_type, _r.state_name, _r.in_process, _r.next_scheduled_start_time, _r.created).where(
    _r.id == bindparam("id")
)
_LOCKED: Final = _ASKED.with_for_update()


def find_run(conn: Connection, run_id: str | None, *, lock: bool) -> tuple[Scope, Look]:
    """The run as the only candidate, however far its time is, or in words why it cannot be had.

    Pauses and limits of its deployment, queue and pool are not asked: somebody runs it by hand, in a process of his own.
    With `lock` the run's row is locked (where there are row locks), so that of two who ask the second sees what the first did.
    """
    row = conn.execute(_LOCKED if lock else _ASKED, {"id": run_id}).first()
    if row is None:
        return Scope(nothing=f"flow run {run_id} does not exist" if run_id else "this session claims runs by their id"), Look()
    if row.state_type != StateType.SCHEDULED or row.in_process:
        return Scope(nothing=f"flow run {run_id} is {row.state_name or 'in no state'}; only a scheduled one can be claimed"), Look()
    return Scope(), Look(taken=[Candidate(str(run_id), row.next_scheduled_start_time or row.created)])
