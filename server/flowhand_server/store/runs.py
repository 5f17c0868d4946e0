"""Runs as the rules see them: loaded with their state, and given new states in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, insert, select, update

from flowhand.ids import timed_id
from flowhand.wire.states import ACTIVE, StateType
from flowhand_server.orchestration.effects import Progress, advance, stamp
from flowhand_server.orchestration.state import LEASE, Proposal, State

from .deployment_slots import end_slots
from .mirror import mirror_to_task_run
from .name_segments import note_names
from .notices import Notice, post
from .prepared import Asked, Prepared, among
from .tables import deployment, flow_run, flow_run_state


@dataclass(slots=True)
class Run:
    """A run, its current state, and where it belongs. Changed by `StateWriter.enter`."""

    id: str
    flow_id: str
    deployment_id: str | None
    work_pool_id: str | None
    work_queue_id: str | None
    limit_id: str | None
    """The global limit of its deployment."""
    limited: bool
    """Whether its deployment has a limit."""
    parent_task_run_id: str | None
    infrastructure_pid: str | None
    auto_scheduled: bool
    attempt: int
    interruptions: int
    policy: Mapping[str, Any]
    progress: Progress
    current: State | None
    known_as: str
    """Its name as it is stored."""
    name: str | None = None
    """Set to rename it. So with the next two."""
    flow_version: str | None = None
    usage: Mapping[str, float] | None = None

    @property
    def state_type(self) -> str | None:
        """The type of the current state."""
        return self.progress.state_type


_PROGRESS: Final = tuple(Progress.__dataclass_fields__)
_run = flow_run.c
_state = flow_run_state.c
_PLACE: Final = (
    *("id", "flow_id", "deployment_id", "work_pool_id", "work_queue_id", "parent_task_run_id", "infrastructure_pid"),
    *("auto_scheduled", "attempt", "interruptions", "empirical_policy", "name"),
)
_load: Final = (
    select(
        *(_run[name] for name in (*_PLACE, *_PROGRESS)),
        deployment.c.global_concurrency_limit_id.label("limit_id"),
        deployment.c.concurrency_limit.is_not(None).label("limited"),
        _state.message.label("s_message"),
        _state.data.label("s_data"),
        _state.state_details.label("s_details"),
    )
    .outerjoin_from(flow_run, flow_run_state, _state.id == _run.state_id)
    .outerjoin(deployment, deployment.c.id == _run.deployment_id)
    .where(among(_run.id, "ids"))
    .order_by(_run.id)
)
_LOAD: Final = Prepared(_load.with_for_update(of=flow_run))
_LOAD_FREE: Final = Prepared(_load.with_for_update(of=flow_run, skip_locked=True))


def load_runs(conn: Connection, ids: Iterable[str]) -> dict[str, Run]:
    """The runs with these ids that exist, locked for this transaction in the order of their ids, so that two cannot wait for each other."""
    return loaded(ask_for_runs(conn, ids))


def ask_for_runs(conn: Connection, ids: Iterable[str]) -> Asked:
    """`load_runs` under way: `loaded` has what comes of it."""
    return _LOAD.ask(conn, ids=ids)


def ask_for_free_runs(conn: Connection, ids: Iterable[str]) -> Asked:
    """As `ask_for_runs`, without those that somebody else has locked: for who holds other locks already, and may not wait for a run."""
    return _LOAD_FREE.ask(conn, ids=ids)


def loaded(asked: Asked) -> dict[str, Run]:
    """The runs that were asked for."""
    return {row.id: _as_run(row) for row in asked.all()}


def load_run(conn: Connection, run_id: str) -> Run | None:
    """One run, locked for this transaction."""
    return load_runs(conn, (run_id,)).get(run_id)


def _as_run(row: Any) -> Run:
    return Run(
        id=row.id,
        flow_id=row.flow_id,
        deployment_id=row.deployment_id,
        work_pool_id=row.work_pool_id,
        work_queue_id=row.work_queue_id,
        limit_id=row.limit_id,
        limited=bool(row.limited),
        parent_task_run_id=row.parent_task_run_id,
        infrastructure_pid=row.infrastructure_pid,
        auto_scheduled=row.auto_scheduled,
        attempt=row.attempt,
        interruptions=row.interruptions,
        policy=row.empirical_policy or {},
        progress=Progress(*row[len(_PLACE) : len(_PLACE) + len(_PROGRESS)]),
        current=_current(row),
        known_as=row.name,
    )


def _current(row: Any) -> State | None:
    if row.state_id is None or row.state_type is None:
        return None
    return State(
        StateType(row.state_type),
        row.state_name,
        row.s_message,
        row.s_data,
        row.s_details or {},
        row.state_id,
        row.state_timestamp,
    )


_SET: Final = (*_PROGRESS, "updated", "attempt", "interruptions", "empirical_policy", "infrastructure_pid")
_KEPT_UNLESS_GIVEN: Final = ("name", "flow_version", "usage")
_UPDATE: Final = Prepared(
    update(flow_run)
    .where(_run.id == bindparam("b_id"))
    .values(
        {name: bindparam(name) for name in _SET}
        | {name: func.coalesce(bindparam(name, type_=_run[name].type), _run[name]) for name in _KEPT_UNLESS_GIVEN}
    )
)
STATE_COLUMNS: Final = ("id", "flow_run_id", "timestamp", "type", "name", "message", "state_details", "data", "attempt")
"""What a row of `flow_run_state` is made of."""
INSERT_STATE: Final = Prepared(insert(flow_run_state), *STATE_COLUMNS)


@dataclass(slots=True)
class StateWriter:
    """Gives runs new states, and stores them all at once with `flush`.

    `enter` changes the run in memory, so that a run can be given several states in one transaction.
    """

    conn: Connection
    now: int
    _states: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    _runs: dict[str, Run] = field(default_factory=dict[str, Run])
    _slots: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Leases over slots that runs have given back, each with its run."""

    def enter(self, run: Run, proposal: Proposal, policy: Mapping[str, Any] | None = None) -> State:
        """Has the run enter a state that was decided for it. `policy` holds changes to its `empirical_policy`."""
        state = stamp(of_subflow(proposal, run.parent_task_run_id), timed_id(), self.now, run.progress.state_timestamp)
        slot = run.current.details.get(LEASE) if run.current else None
        given_back = bool(slot) and slot != state.details.get(LEASE)
        if slot and given_back:
            self._slots.append((slot, run.id))
        merged = {**run.policy, **policy} if policy else run.policy
        before = run.state_type
        run.progress, run.policy = advance(run.progress, state, merged)
        run.current = state
        self._states.append(state_row(run.id, state, run.attempt))
        self._runs[run.id] = run
        self._tell(run, before, given_back=given_back)
        return state

    def touch(self, run: Run) -> None:
        """Has other changes of the run (attempt, interruptions, policy, infrastructure) stored too."""
        self._runs[run.id] = run

    def flush(self) -> None:
        """Stores what was entered."""
        INSERT_STATE.run_each(self.conn, self._states)
        _UPDATE.run_each(self.conn, [self._as_row(run) for run in self._runs.values()])
        note_names(self.conn, self._renamed())
        for run in self._runs.values():
            if run.parent_task_run_id and run.current:
                mirror_to_task_run(self.conn, run.parent_task_run_id, run.id, run.current, self.now)
        end_slots(self.conn, self._slots)
        self._slots.clear()
        self._states.clear()
        self._runs.clear()

    def _renamed(self) -> Iterator[tuple[str, str]]:
        """Whoever begins a run tells its name, which as a rule it has already."""
        for run in self._runs.values():
            if run.name is not None and run.name != run.known_as:
                yield run.id, run.name
                run.known_as = run.name

    def _as_row(self, run: Run) -> dict[str, Any]:
        row = progress_row(run.progress)
        row["b_id"] = run.id
        row["updated"] = self.now
        row["attempt"] = run.attempt
        row["interruptions"] = run.interruptions
        row["empirical_policy"] = dict(run.policy)
        row["infrastructure_pid"] = run.infrastructure_pid
        row["name"] = run.name
        row["flow_version"] = run.flow_version
        row["usage"] = run.usage
        return row

    def _tell(self, run: Run, before: str | None, *, given_back: bool) -> None:
        post(self.conn, Notice("run", key=run.id))
        after = run.state_type
        if after not in ACTIVE and (before in ACTIVE or given_back):
            slot_freed(self.conn, run)
        elif after == StateType.CANCELLING and before in ACTIVE:
            post(self.conn, Notice("freed", pool=run.work_pool_id, queue=run.work_queue_id))  # which count no run that is being cancelled
        if after == StateType.SCHEDULED and before != StateType.SCHEDULED:
            post(self.conn, due_notice(run.work_pool_id, run.work_queue_id, run.deployment_id, run.progress.next_scheduled_start_time))


def of_subflow(state: Proposal, parent_task_run_id: str | None) -> Proposal:
    """The state with the task run that a subflow has in its parent."""
    return state.with_details(task_run_id=parent_task_run_id) if parent_task_run_id else state


def slot_freed(conn: Connection, run: Run) -> None:
    """Tells that the run holds no slot any more, of whatever limits what it is of."""
    post(conn, Notice("freed", run.limit_id, run.work_pool_id, run.work_queue_id, run.deployment_id))


def due_notice(pool: str | None, queue: str | None, deployment: str | None, at: int | None) -> Notice:
    """Tells that a run of these is scheduled for `at`."""
    return Notice("due", pool=pool, queue=queue, deployment=deployment, at=at or 0)


def state_row(run_id: str, state: State, attempt: int) -> dict[str, Any]:
    """A state as a row of `flow_run_state`."""
    return {
        "id": state.id,
        "flow_run_id": run_id,
        "timestamp": state.timestamp,
        "type": state.type.value,
        "name": state.name,
        "message": state.message,
        "state_details": dict(state.details),
        "data": state.data,
        "attempt": attempt,
    }


def progress_row(progress: Progress) -> dict[str, Any]:
    """The fields that follow the states, as columns of `flow_run`."""
    return {name: getattr(progress, name) for name in _PROGRESS}
