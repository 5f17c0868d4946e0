"""Transactions on single runs: creating one, and proposing a state to it. Used by the routes of the contract and by the services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from flowhand.ids import timed_id
from flowhand.wire.states import ACTIVE, TERMINAL, StateType
from flowhand_server.orchestration.effects import Progress, advance, stamp
from flowhand_server.orchestration.rules import decide
from flowhand_server.orchestration.state import Decision, Proposal, RunFacts, State, Verdict, ended

from .deployment_slots import slot_of, with_lease
from .errors import NotFound
from .flow_run_tags import tag_runs
from .limits import deployment_limit
from .mirror import mirror_to_task_run
from .name_segments import note_names
from .names import random_name
from .notices import Notice, post
from .prepared import Prepared, among
from .runs import INSERT_STATE, Run, StateWriter, ask_for_runs, due_notice, loaded, of_subflow, progress_row, state_row
from .tables import flow_run, flow_run_input, lease


@dataclass(slots=True)
class NewRun:
    """A run to be created: what its maker decides (columns of `flow_run`; parameters and tags already merged), and its first state."""

    flow_id: str
    state: Proposal
    name: str | None = None
    deployment_id: str | None = None
    work_pool_id: str | None = None
    work_queue_id: str | None = None
    work_queue_name: str | None = None
    deployment_version: str | None = None
    flow_version: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    context: Mapping[str, Any] = field(default_factory=dict[str, Any])
    tags: list[str] = field(default_factory=list[str])
    labels: Mapping[str, Any] = field(default_factory=dict[str, Any])
    job_variables: Mapping[str, Any] | None = None
    empirical_policy: Mapping[str, Any] = field(default_factory=dict[str, Any])
    idempotency_key: str | None = None
    parent_task_run_id: str | None = None
    auto_scheduled: bool = False
    infrastructure_document_id: str | None = None
    infrastructure_pid: str | None = None
    created_by: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class CreatedRun:
    """A run that was asked for: a new one, or the one that has the idempotency key already."""

    id: str
    row: Mapping[str, Any] | None = None
    """Of a new one what `flow_run_reading` would read of it, but for the name of its pool, and for the order of keys, which JSONB does not
    keep.
    """

    @property
    def new(self) -> bool:
        """Whether there was no run with its idempotency key."""
        return self.row is not None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to a proposal: the contract's status, the run's state now (None only where the contract says so), and why."""

    status: Verdict
    state: State | None
    reason: str = ""
    delay_s: int = 0


_COPIED: Final = tuple(name for name in NewRun.__dataclass_fields__ if name not in {"state", "name"})


def create_flow_run(conn: Connection, new: NewRun, now: int) -> CreatedRun:
    """Creates a run in its first state, without asking the rules (contract 4.4). Idempotent by (flow, idempotency key)."""
    if new.idempotency_key is not None:
        existing = _BY_KEY.first(conn, flow_id=new.flow_id, keys=[new.idempotency_key])
        if existing is not None:
            return CreatedRun(existing.id)
    [row] = _insert(conn, [new], now)
    return CreatedRun(row["id"], row)


def create_flow_runs(conn: Connection, flow_id: str, runs: Sequence[NewRun], now: int) -> int:
    """Creates runs of one flow at once; those whose idempotency key is taken are left out. How many were made."""
    keys = [new.idempotency_key for new in runs if new.idempotency_key is not None]
    taken = {row.idempotency_key for row in _BY_KEY.all(conn, flow_id=flow_id, keys=keys)}
    return len(_insert(conn, [new for new in runs if new.idempotency_key not in taken], now))


def _insert(conn: Connection, runs: Sequence[NewRun], now: int) -> list[dict[str, Any]]:
    """The rows that were made, each with its state as a reader labels it."""
    if not runs:
        return []
    rows: list[dict[str, Any]] = []
    states: list[dict[str, Any]] = []
    for new in runs:
        run_id = timed_id()
        state = stamp(of_subflow(new.state, new.parent_task_run_id), timed_id(), now, None)
        progress, policy = advance(Progress(), state, new.empirical_policy)
        row = {name: getattr(new, name) for name in _COPIED} | progress_row(progress)
        row |= {"id": run_id, "created": now, "updated": now, "name": new.name or random_name(), "empirical_policy": dict(policy)}
        entered = state_row(run_id, state, 0)
        row |= {"s_message": entered["message"], "s_details": entered["state_details"], "s_data": entered["data"]}
        rows.append(row)
        states.append(entered)
        if state.type is StateType.SCHEDULED:
            post(conn, due_notice(new.work_pool_id, new.work_queue_id, new.deployment_id, progress.next_scheduled_start_time))
        if new.parent_task_run_id:
            mirror_to_task_run(conn, new.parent_task_run_id, run_id, state, now)
    _INSERT_RUN.run_each(conn, rows)
    INSERT_STATE.run_each(conn, states)
    note_names(conn, ((row["id"], row["name"]) for row in rows))
    tag_runs(conn, ((row["id"], row["tags"]) for row in rows if row["tags"]))
    return rows


_INSERT_RUN: Final = Prepared(insert(flow_run), "id", "created", "updated", "name", *_COPIED, *Progress.__dataclass_fields__)
_BY_KEY: Final = Prepared(
    select(flow_run.c.id, flow_run.c.idempotency_key).where(
        flow_run.c.flow_id == bindparam("flow_id"), among(flow_run.c.idempotency_key, "keys")
    )
)


def propose_state(conn: Connection, run_id: str, proposal: Proposal, now: int, *, force: bool = False, renews: bool = False) -> Outcome:
    """Asks the rules about a state for a run, and stores what they decide. NotFound for an unknown run.

    The run is locked while they are asked, so of two proposals at once the second sees what the first has done. `renews`: the client will
    renew the lease by which the run holds its deployment's slot.
    """
    asked, holding = ask_for_runs(conn, [run_id]), _HOLDER.ask(conn, run=run_id)
    run = loaded(asked).get(run_id)
    if run is None:
        raise NotFound(f"Flow run with id {run_id} not found")
    holder = holding.scalar() if run.attempt else None
    facts = facts_of(conn, run, proposal, now, leased=holder is not None)
    decision = decide(run.current, proposal, facts, force=force)
    if decision.state is not None:
        state = with_lease(conn, run.id, run.current, decision.state, facts.limit, now, renews=renews)
        decision = replace(decision, state=state)
    return _apply(conn, run, decision, holder, now)


def facts_of(conn: Connection, run: Run, proposal: Proposal, now: int, *, leased: bool) -> RunFacts:
    """What the rules need to know of the run for this proposal."""
    slot = slot_of(conn, run.id, run.current, now)
    wants_slot = proposal.type is StateType.PENDING and run.state_type not in ACTIVE and slot != "held"
    wants_slot |= proposal.type is StateType.RUNNING and run.state_type == StateType.PENDING and slot == "lapsed"
    return RunFacts(
        now=now,
        has_deployment=run.deployment_id is not None,
        lost_deployment=_has_lost_deployment(conn, run),
        is_subflow=run.parent_task_run_id is not None,
        run_count=run.progress.run_count,
        infrastructure_pid=run.infrastructure_pid,
        policy=run.policy,
        limit=deployment_limit(conn, run.deployment_id, now) if wants_slot and run.limited else None,
        leased=leased,
    )


DEPLOYMENT_LABEL: Final = "prefect.deployment.id"
"""The label by which a run of a deployment still names it when it was deleted."""
_LABELS: Final = Prepared(select(flow_run.c.labels).where(flow_run.c.id == bindparam("id")))


def _has_lost_deployment(conn: Connection, run: Run) -> bool:
    """Asked of what is paused alone: the rules of other states make no difference."""
    if run.state_type != StateType.PAUSED or run.deployment_id is not None:
        return False
    return DEPLOYMENT_LABEL in _LABELS.first(conn, id=run.id).labels


def lease_holder(conn: Connection, run: Run) -> str | None:
    """The session that holds a lease on the run's current attempt, if one does."""
    if run.attempt == 0:
        return None
    return _HOLDER.scalar(conn, run=run.id)


_HOLDER: Final = Prepared(select(lease.c.session_id).where(lease.c.flow_run_id == bindparam("run"), lease.c.ended_at.is_(None)))


def _apply(conn: Connection, run: Run, decision: Decision, holder: str | None, now: int) -> Outcome:
    if decision.state is not None:
        reopens = decision.state.type is StateType.SCHEDULED or (ended(run.current) and decision.state.type not in TERMINAL)
        if reopens and (holder or ended(run.current)):
            reopen(conn, run, now)
        writer = StateWriter(conn, now)
        writer.enter(run, decision.state, decision.policy)
        writer.flush()
        if decision.state.type is StateType.PAUSED and (asks_for := decision.state.details.get("run_input_keyset")):
            _FORGET_INPUT.run(conn, run=run.id, keys=list(asks_for.values()))  # it was given to an earlier attempt
        if holder:
            post(conn, Notice("session", key=holder))
    return Outcome(decision.verdict, run.current, decision.reason, decision.delay_s)


_FORGET_INPUT: Final = Prepared(
    delete(flow_run_input).where(flow_run_input.c.flow_run_id == bindparam("run"), among(flow_run_input.c.key, "keys"))
)


def reopen(conn: Connection, run: Run, now: int) -> None:
    """Begins a new attempt: what the old one still says is refused from now on, and its lease is void."""
    run.attempt += 1
    run.infrastructure_pid = None
    _VOID.run(conn, run=run.id, now=now)


_VOID: Final = Prepared(
    update(lease)
    .where(lease.c.flow_run_id == bindparam("run"), lease.c.ended_at.is_(None))
    .values(ended_at=bindparam("now"), provisional_until=None)
)
