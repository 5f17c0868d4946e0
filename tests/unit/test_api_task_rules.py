"""What becomes of a state that a 2.x client proposes for a task run (contract 2.5, 10)."""

from __future__ import annotations

from typing import Any

import pytest

from flowhand.wire.states import StateType
from flowhand_server.orchestration.state import Proposal, State, propose, scheduled
from flowhand_server.orchestration.task_rules import FlowFacts, TaskFacts, begins_anew, decide_task

NOW = 1_800_000_000_000_000


def _in(kind: StateType, **fields: Any) -> State:
    return State(kind, kind.value.capitalize(), None, fields.get("data"), fields.get("details", {}), "id", NOW - 1)


RUNNING = propose("RUNNING")
CACHED = propose("COMPLETED", "Cached")
DEFERRED = propose("PENDING", details={"deferred": True})
AWAITING_RETRY = State(StateType.SCHEDULED, "AwaitingRetry", id="id", timestamp=NOW - 1)


@pytest.mark.parametrize(
    ("current", "proposed", "facts", "verdict", "name"),
    [
        (_in(StateType.PENDING), RUNNING, {}, "ACCEPT", "Running"),
        (_in(StateType.PENDING), RUNNING, {"flow": FlowFacts("f", RUNNING)}, "ACCEPT", "Running"),
        (_in(StateType.PENDING), RUNNING, {"flow": FlowFacts("f", propose("FAILED"))}, "ABORT", None),
        (_in(StateType.PENDING), RUNNING, {"flow": FlowFacts("f", propose("PENDING"))}, "ABORT", None),
        (_in(StateType.PENDING), RUNNING, {"flow": FlowFacts("f", None)}, "ABORT", None),
        (_in(StateType.PENDING), RUNNING, {"flow": FlowFacts("f", propose("PAUSED"))}, "REJECT", "NotReady"),
        (_in(StateType.RUNNING), RUNNING, {"run_count": 1}, "ACCEPT", "Rerunning"),
        (AWAITING_RETRY, RUNNING, {"run_count": 1}, "ACCEPT", "Retrying"),
        (_in(StateType.FAILED), RUNNING, {"run_count": 1}, "ACCEPT", "Running"),
        (_in(StateType.FAILED), RUNNING, {"flow": FlowFacts("f", RUNNING, newer=True)}, "ACCEPT", "Retrying"),
        *((_in(StateType.FAILED), propose(kind), {}, "ABORT", None) for kind in ("CANCELLING", "PAUSED", "CRASHED")),
        (_in(StateType.RUNNING), propose("FAILED", details={"retriable": False}), {"run_count": 1, "retries": 1}, "ACCEPT", "Failed"),
        (_in(StateType.PENDING), propose("COMPLETED", details={"cache_key": "k" * 2001}), {}, "REJECT", "Completed"),
        (_in(StateType.RUNNING), DEFERRED, {}, "ABORT", None),
        (_in(StateType.SCHEDULED), DEFERRED, {"flow": FlowFacts("f", propose("FAILED"))}, "ACCEPT", "Pending"),
        (_in(StateType.PENDING), RUNNING, {"cached": CACHED}, "REJECT", "Cached"),
        (_in(StateType.PENDING), RUNNING, {"full_tags": ("x",)}, "WAIT", None),
        (_in(StateType.PENDING), RUNNING, {"closed_tags": ("x",)}, "ABORT", None),
        (_in(StateType.RUNNING), propose("FAILED"), {"run_count": 1, "retries": 1}, "REJECT", "AwaitingRetry"),
        (_in(StateType.RUNNING), propose("FAILED"), {"run_count": 2, "retries": 1}, "ACCEPT", "Failed"),
        (_in(StateType.COMPLETED, data={"type": "reference"}), propose("PENDING"), {}, "REJECT", None),
        (_in(StateType.COMPLETED, data={"type": "unpersisted"}), propose("PENDING"), {}, "ACCEPT", "Pending"),
        (None, propose("PENDING"), {}, "ACCEPT", "Pending"),
    ],
)
def test_each_rule(current: State | None, proposed: Proposal, facts: dict[str, Any], verdict: str, name: str | None) -> None:
    """The first rule that has something to say decides."""
    decision = decide_task(current, proposed, TaskFacts(NOW, **facts))
    assert (decision.verdict, decision.state.name if decision.state else None) == (verdict, name)


def test_a_task_waits_for_its_time() -> None:
    """A retry that is not due yet waits the rest of its delay."""
    later = scheduled(NOW + 5_000_000)
    waiting = State(later.type, later.name, None, None, later.details, "id", NOW - 1)
    decision = decide_task(waiting, RUNNING, TaskFacts(NOW))
    assert (decision.verdict, decision.delay_s) == ("WAIT", 5)


def test_force_and_repetition() -> None:
    """Force passes every rule but the one about a repeated transition."""
    assert decide_task(_in(StateType.PENDING), RUNNING, TaskFacts(NOW, flow=FlowFacts("f", None)), force=True).verdict == "ACCEPT"
    told = {"transition_id": "1"}
    assert decide_task(_in(StateType.PENDING, details=told), RUNNING.with_details(**told), TaskFacts(NOW), force=True).verdict == "REJECT"


def test_tries_are_counted_anew_after_an_end() -> None:
    """What goes on after an end has all of its tries; from one end to another nothing is counted."""
    assert begins_anew(_in(StateType.FAILED), RUNNING)
    assert not begins_anew(_in(StateType.FAILED), propose("COMPLETED"))
    assert not begins_anew(_in(StateType.RUNNING), RUNNING)
