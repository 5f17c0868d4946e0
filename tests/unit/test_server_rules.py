"""Every row of the contract's transition table (4.2), and what an accepted state does to its run (4.3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from flowhand.clock import to_iso
from flowhand.wire.states import StateType
from flowhand_server.orchestration.effects import Progress, advance, stamp
from flowhand_server.orchestration.rules import decide
from flowhand_server.orchestration.state import CollisionStrategy, Limit, Proposal, RunFacts, State, Verdict, propose

NOW = 1_700_000_000_000_000
SECOND = 1_000_000
RESULT = {"storage_key": "abc", "type": "reference"}
T = StateType


def was(state_type: StateType, name: str | None = None, data: Any = None, **details: Any) -> State:
    made = propose(state_type, name, None, data, details)
    return State(made.type, made.name, made.message, made.data, made.details, "before", NOW - 10 * SECOND)


def facts(**changes: Any) -> RunFacts:
    known: dict[str, Any] = {"now": NOW, "has_deployment": True, **changes}
    return RunFacts(**known)


@dataclass(frozen=True)
class Row:
    name: str
    current: State | None
    proposed: Proposal
    verdict: Verdict
    becomes: str | None = None
    """Type/name of the state that is written; None: the run stays as it is."""
    facts: RunFacts = field(default_factory=facts)
    force: bool = False
    reason: str = ""


FULL = Limit(limit=2, used=2)
ENDS = (T.COMPLETED, T.FAILED, T.CANCELLED, T.CRASHED)
SUSPENDED = was(T.PAUSED, "Suspended", pause_reschedule=True)
LOST = facts(has_deployment=False, lost_deployment=True)
ACCEPT, REJECT, ABORT, WAIT = Verdict.ACCEPT, Verdict.REJECT, Verdict.ABORT, Verdict.WAIT

ROWS = [
    Row(
        "same transition id",
        was(T.PENDING, transition_id="t1"),
        propose(T.RUNNING, details={"transition_id": "t1"}),
        REJECT,
        reason="This run has already made this state transition.",
    ),
    *(
        Row(f"{end} to {to}", was(end), propose(to), ABORT, reason=f"Run is already in terminal state {end}.")
        for end in ENDS
        for to in (T.CANCELLING, T.PAUSED, T.CRASHED)
    ),
    *(
        Row(f"result to {to}", was(T.COMPLETED, data=RESULT), propose(to), REJECT, reason="Run is already COMPLETED.")
        for to in (T.RUNNING, T.PENDING, T.SCHEDULED)
    ),
    Row("result to none", was(T.COMPLETED, data=RESULT), propose(T.COMPLETED), REJECT),
    Row("result to none by force", was(T.COMPLETED, data=RESULT), propose(T.COMPLETED), REJECT, force=True),
    Row("result to another", was(T.COMPLETED, data=RESULT), propose(T.COMPLETED, data=RESULT), ACCEPT, "COMPLETED/Completed"),
    Row("unpersisted is no result", was(T.COMPLETED, data={"type": "unpersisted"}), propose(T.RUNNING), ACCEPT, "RUNNING/Running"),
    Row("reschedule without deployment", was(T.FAILED), propose(T.SCHEDULED), ABORT, facts=facts(has_deployment=False)),
    Row("reschedule", was(T.FAILED), propose(T.SCHEDULED, "AwaitingRetry"), ACCEPT, "SCHEDULED/AwaitingRetry"),
    Row("failed to completed", was(T.FAILED), propose(T.COMPLETED), ACCEPT, "COMPLETED/Completed"),
    Row("failed to failed", was(T.FAILED), propose(T.FAILED), ACCEPT, "FAILED/Failed"),
    Row("completed to running", was(T.COMPLETED), propose(T.RUNNING), ACCEPT, "RUNNING/Running"),
    *(
        Row(f"cancelling to {to}", was(T.CANCELLING), propose(to), REJECT, reason="Cannot transition flows that are cancelling")
        for to in (T.RUNNING, T.COMPLETED, T.CRASHED, T.CANCELLING, T.PENDING, T.SCHEDULED)
    ),
    Row("cancelling to cancelled", was(T.CANCELLING), propose(T.CANCELLED), ACCEPT, "CANCELLED/Cancelled"),
    Row("scheduled to cancelling", was(T.SCHEDULED), propose(T.CANCELLING), REJECT, "CANCELLED/Cancelled"),
    Row("scheduled to cancelling by force", was(T.SCHEDULED), propose(T.CANCELLING), REJECT, "CANCELLED/Cancelled", force=True),
    Row(
        "scheduled with infrastructure to cancelling",
        was(T.SCHEDULED),
        propose(T.CANCELLING),
        ACCEPT,
        "CANCELLING/Cancelling",
        facts=facts(infrastructure_pid="9"),
    ),
    Row(
        "resuming to cancelling",
        was(T.SCHEDULED, "Resuming"),
        propose(T.CANCELLING),
        REJECT,
        "CANCELLED/Cancelled",
        facts=facts(infrastructure_pid="9"),
    ),
    Row("suspended to cancelling", was(T.PAUSED, "Suspended", pause_reschedule=True), propose(T.CANCELLING), REJECT, "CANCELLED/Cancelled"),
    Row("paused to cancelling", was(T.PAUSED), propose(T.CANCELLING), ACCEPT, "CANCELLING/Cancelling"),
    Row("running to cancelling", was(T.RUNNING), propose(T.CANCELLING), ACCEPT, "CANCELLING/Cancelling"),
    Row("pending to submitting", was(T.PENDING), propose(T.PENDING, "Submitting"), ACCEPT, "PENDING/Submitting"),
    Row("pending to pending", was(T.PENDING), propose(T.PENDING), ABORT, reason="This run is in a PENDING state and cannot transition"),
    Row("submitting to pending", was(T.PENDING, "Submitting"), propose(T.PENDING), ABORT),
    *(Row(f"{held} to pending", was(held), propose(T.PENDING), ABORT) for held in (T.RUNNING, T.CANCELLED)),
    Row("failed to pending", was(T.FAILED), propose(T.PENDING), ACCEPT, "PENDING/Pending"),
    Row("no slot, queue", was(T.SCHEDULED), propose(T.PENDING), REJECT, "SCHEDULED/AwaitingConcurrencySlot", facts=facts(limit=FULL)),
    Row("no slot, first state", None, propose(T.PENDING), REJECT, "SCHEDULED/AwaitingConcurrencySlot", facts=facts(limit=FULL)),
    Row(
        "no slot, cancel",
        was(T.SCHEDULED, "Late"),
        propose(T.PENDING),
        REJECT,
        "CANCELLED/Cancelled",
        facts=facts(limit=Limit(2, 2, CollisionStrategy.CANCEL_NEW)),
    ),
    Row("slot lost while pending", was(T.PENDING), propose(T.RUNNING), REJECT, "CANCELLED/Cancelled", facts=facts(limit=FULL)),
    Row("slot found again", was(T.PENDING), propose(T.RUNNING), ACCEPT, "RUNNING/Running", facts=facts(limit=Limit(2, 1))),
    Row("limit 0", was(T.SCHEDULED), propose(T.PENDING), ABORT, facts=facts(limit=Limit(0, 0))),
    Row("a slot", was(T.SCHEDULED), propose(T.PENDING), ACCEPT, "PENDING/Pending", facts=facts(limit=Limit(2, 1))),
    Row(
        "pausing what does not run", was(T.PENDING), propose(T.PAUSED), REJECT, reason="Cannot pause flows that are not currently running."
    ),
    Row("pausing", was(T.RUNNING), propose(T.PAUSED, details={"pause_key": "1"}), ACCEPT, "PAUSED/Paused"),
    Row(
        "pausing twice",
        was(T.RUNNING),
        propose(T.PAUSED, details={"pause_key": "1"}),
        REJECT,
        facts=facts(policy={"pause_keys": ["1"]}),
        reason="This pause has already fired.",
    ),
    Row("suspending a subflow", was(T.RUNNING), propose(T.PAUSED, details={"pause_reschedule": True}), ABORT, facts=facts(is_subflow=True)),
    Row(
        "suspending without deployment",
        was(T.RUNNING),
        propose(T.PAUSED, details={"pause_reschedule": True}),
        ABORT,
        facts=facts(has_deployment=False),
    ),
    *(Row(f"paused to {to}", was(T.PAUSED), propose(to), REJECT) for to in (T.PENDING, T.PAUSED)),
    Row("resuming", was(T.PAUSED, pause_timeout=to_iso(NOW + SECOND)), propose(T.RUNNING), ACCEPT, "RUNNING/Running"),
    Row("resuming too late", was(T.PAUSED, pause_timeout=to_iso(NOW - SECOND)), propose(T.RUNNING), REJECT, "FAILED/Failed"),
    Row(
        "cancelling a pause too late",
        was(T.PAUSED, pause_timeout=to_iso(NOW - SECOND)),
        propose(T.CANCELLING),
        ACCEPT,
        "CANCELLING/Cancelling",
    ),
    Row("scheduled to pending", was(T.SCHEDULED), propose(T.PENDING), ACCEPT, "PENDING/Pending"),
    Row(
        "running too early",
        was(T.PENDING, scheduled_time=to_iso(NOW + 90 * SECOND)),
        propose(T.RUNNING),
        WAIT,
        reason="Scheduled time is in",
    ),
    Row(
        "less than half a second early", was(T.PENDING, scheduled_time=to_iso(NOW + 400_000)), propose(T.RUNNING), ACCEPT, "RUNNING/Running"
    ),
    Row("nearly a second early", was(T.PENDING, scheduled_time=to_iso(NOW + 900_000)), propose(T.RUNNING), WAIT),
    Row("suspended to scheduled", was(T.PAUSED, "Suspended", pause_reschedule=True), propose(T.SCHEDULED), ACCEPT, "SCHEDULED/Scheduled"),
    Row(
        "suspended to scheduled without deployment",
        was(T.PAUSED, "Suspended", pause_reschedule=True),
        propose(T.SCHEDULED, "Resuming"),
        REJECT,
        facts=facts(has_deployment=False),
        reason="Cannot reschedule a resuming flow run without a deployment.",
    ),
    *(Row(f"suspended to {end}, never a deployment", SUSPENDED, propose(end), REJECT, facts=facts(has_deployment=False)) for end in ENDS),
    *(Row(f"suspended to {end}, deployment deleted", SUSPENDED, propose(end), ACCEPT, f"{end}/{end.title()}", facts=LOST) for end in ENDS),
    *(
        Row(f"suspended to {to}, deployment deleted", SUSPENDED, propose(to), REJECT, facts=LOST, reason="Cannot reschedule a")
        for to in (T.RUNNING, T.SCHEDULED)
    ),
    Row("ended to late without deployment", was(T.FAILED), propose(T.SCHEDULED, "Late"), ABORT, facts=facts(has_deployment=False)),
    Row(
        "failing with a try left",
        was(T.RUNNING),
        propose(T.FAILED),
        REJECT,
        "SCHEDULED/AwaitingRetry",
        facts=facts(policy={"retries": 1}, run_count=1),
    ),
    Row("failing for good", was(T.RUNNING), propose(T.FAILED), ACCEPT, "FAILED/Failed", facts=facts(policy={"retries": 1}, run_count=2)),
    Row("late when it runs", was(T.RUNNING), propose(T.SCHEDULED, "Late"), REJECT, reason="Only scheduled flows can be marked late."),
    Row("late", was(T.SCHEDULED), propose(T.SCHEDULED, "Late"), ACCEPT, "SCHEDULED/Late"),
    Row("late twice", was(T.SCHEDULED, "Late"), propose(T.SCHEDULED, "Late"), REJECT),
    Row("scheduled to running", was(T.SCHEDULED), propose(T.RUNNING), ACCEPT, "RUNNING/Running"),
    Row("running to running", was(T.RUNNING), propose(T.RUNNING), ACCEPT, "RUNNING/Running"),
    Row("pending to scheduled", was(T.PENDING), propose(T.SCHEDULED), ACCEPT, "SCHEDULED/Scheduled"),
    Row("force lets go on", was(T.CANCELLING), propose(T.COMPLETED), ACCEPT, "COMPLETED/Completed", force=True),
    Row("force takes a slot", was(T.SCHEDULED), propose(T.PENDING), ACCEPT, "PENDING/Pending", facts=facts(limit=FULL), force=True),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_transition(row: Row) -> None:
    """Each row answers as the contract says, and writes the state that it says."""
    decision = decide(row.current, row.proposed, row.facts, force=row.force)
    written = f"{decision.state.type}/{decision.state.name}" if decision.state else None
    assert (decision.verdict, written) == (row.verdict, row.becomes)
    assert decision.reason.startswith(row.reason)


def test_pending_keeps_the_scheduled_time() -> None:
    """Pending takes over the time unless it brings its own."""
    at = to_iso(NOW + SECOND)
    decision = decide(was(T.SCHEDULED, scheduled_time=at), propose(T.PENDING), facts())
    assert decision.state is not None
    assert decision.state.details["scheduled_time"] == at


def test_submitting_keeps_time_and_lease() -> None:
    """A refined Pending carries both over, though the client sends nulls for them."""
    current = was(T.PENDING, scheduled_time=to_iso(NOW), deployment_concurrency_lease_id="l")
    decision = decide(current, propose(T.PENDING, "Submitting", details={"scheduled_time": None}), facts())
    assert decision.state is not None
    assert decision.state.details["deployment_concurrency_lease_id"] == "l"
    assert decision.state.details["scheduled_time"] == to_iso(NOW)


@pytest.mark.parametrize(("leased", "kind"), [(False, "in_process"), (True, "reschedule")])
def test_whose_a_retry_is(leased: bool, kind: str) -> None:
    """A foreign client's retry is its own process's; one of our own daemons' is anybody's."""
    policy = {"retries": 3, "retry_delay": 5}
    decision = decide(was(T.RUNNING), propose(T.FAILED, message="no"), facts(policy=policy, run_count=1, leased=leased))
    assert decision.state is not None
    assert decision.policy["retry_type"] == kind
    assert decision.state.scheduled_us == NOW + 5 * SECOND
    assert decision.state.message == "no"


def test_pause_key_is_remembered() -> None:
    """An accepted pause leaves its key in the policy."""
    decision = decide(was(T.RUNNING), propose(T.PAUSED, details={"pause_key": "2"}), facts(policy={"pause_keys": ["1"]}))
    assert decision.policy["pause_keys"] == ["1", "2"]


def enter(progress: Progress, state: Proposal, at: int, policy: dict[str, Any] | None = None) -> tuple[Progress, dict[str, Any]]:
    after, left = advance(progress, stamp(state, f"id{at}", at, progress.state_timestamp), policy or {})
    return after, dict(left)


def test_fields_follow_a_whole_life() -> None:
    """Start, end, counts and times, from Scheduled through a retry to the end."""
    due = NOW + 5 * SECOND
    run, _ = enter(Progress(), propose(T.SCHEDULED, details={"scheduled_time": to_iso(due)}), NOW)
    assert (run.expected_start_time, run.next_scheduled_start_time, run.run_count) == (due, due, 0)
    run, _ = enter(run, propose(T.PENDING), NOW + 1)
    assert (run.next_scheduled_start_time, run.start_time) == (None, None)
    run, _ = enter(run, propose(T.RUNNING), NOW + 2)
    assert (run.start_time, run.run_count) == (NOW + 2, 1)
    run, _ = enter(run, propose(T.SCHEDULED, "AwaitingRetry", details={"scheduled_time": to_iso(due)}), NOW + 12)
    assert (run.total_run_time, run.next_scheduled_start_time) == (10, due)
    run, _ = enter(run, propose(T.RUNNING), NOW + 20)
    run, _ = enter(run, propose(T.COMPLETED), NOW + 25)
    assert (run.start_time, run.end_time, run.run_count, run.total_run_time) == (NOW + 2, NOW + 25, 2, 15)
    run, _ = enter(run, propose(T.SCHEDULED), NOW + 30)
    assert run.end_time is None


def test_an_end_without_a_start_sets_both() -> None:
    """A run that crashed before it ran has a start all the same."""
    run, _ = enter(Progress(), propose(T.CRASHED), NOW)
    assert (run.start_time, run.end_time) == (NOW, NOW)


def test_resuming_is_not_counted() -> None:
    """A resumed run is the same run, and says so once."""
    run, left = enter(Progress(run_count=1), propose(T.RUNNING), NOW, {"resuming": True})
    assert (run.run_count, left["resuming"]) == (1, False)


def test_stamps_are_unique() -> None:
    """Two states in one microsecond, or a clock that went back, still have an order."""
    assert stamp(propose(T.RUNNING), "a", NOW, NOW).timestamp == NOW + 1
    assert stamp(propose(T.RUNNING), "a", NOW - 5, NOW).timestamp == NOW + 1


def test_scheduled_without_a_time_is_for_now() -> None:
    """The contract's default."""
    assert stamp(propose(T.SCHEDULED), "a", NOW, None).details["scheduled_time"] == to_iso(NOW)
