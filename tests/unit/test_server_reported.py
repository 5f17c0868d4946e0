"""What becomes of the states that our own daemons report."""

from __future__ import annotations

from typing import Any

import pytest

from flowhand.wire.states import StateType
from flowhand_server.orchestration.reported import decide_reported, leaves_worker, retries_here
from flowhand_server.orchestration.state import Decision, RunFacts, State, propose, scheduled

NOW = 1_700_000_000_000_000
T = StateType


def was(state_type: StateType, name: str | None = None) -> State:
    made = propose(state_type, name)
    return State(made.type, made.name, details={}, id="before", timestamp=NOW - 1)


def outcome(current: State | None, reported: StateType, *, provisional: bool = False, **facts: Any) -> str:
    decision = decide_reported(current, propose(reported), RunFacts(now=NOW, leased=True, **facts), provisional=provisional)
    if isinstance(decision, Decision):
        return f"{decision.state.type}/{decision.state.name}" if decision.state else "stays"
    return decision


@pytest.mark.parametrize(
    ("current", "reported", "expected"),
    [
        (was(T.PENDING), T.RUNNING, "RUNNING/Running"),
        (was(T.RUNNING), T.COMPLETED, "COMPLETED/Completed"),
        (was(T.PENDING), T.CRASHED, "CRASHED/Crashed"),
        (was(T.RUNNING), T.RUNNING, "already"),
        (was(T.COMPLETED), T.COMPLETED, "already"),
        (was(T.CANCELLED), T.COMPLETED, "terminal"),
        (was(T.CANCELLING), T.CANCELLED, "CANCELLED/Cancelled"),
        (was(T.CANCELLING), T.COMPLETED, "CANCELLED/Cancelled"),
        (was(T.CANCELLING), T.RUNNING, "already"),
        (was(T.RUNNING), T.FAILED, "FAILED/Failed"),
    ],
)
def test_reported_states(current: State, reported: StateType, expected: str) -> None:
    """News is taken as it is, but an end is an end, and a cancelled run ends Cancelled."""
    assert outcome(current, reported, run_count=1) == expected


def test_a_failure_with_tries_left_is_tried_again() -> None:
    """Retries are the server's to decide, and anybody's to run."""
    assert outcome(was(T.RUNNING), T.FAILED, run_count=1, policy={"retries": 1}) == "SCHEDULED/AwaitingRetry"


@pytest.mark.parametrize(("reported", "expected"), [(T.RUNNING, "RUNNING/Running"), (T.COMPLETED, "COMPLETED/Completed")])
def test_the_owner_of_a_provisional_crash_knows_better(reported: StateType, expected: str) -> None:
    """Within the grace the true state replaces Crashed."""
    assert outcome(was(T.CRASHED), reported, provisional=True, run_count=1) == expected
    assert outcome(was(T.CRASHED), reported, run_count=1) == "terminal"


def test_short_delays_stay_with_the_worker() -> None:
    """Under two seconds the same worker goes on."""
    assert retries_here(scheduled(NOW + 1_900_000, "AwaitingRetry"), NOW)
    assert not retries_here(scheduled(NOW + 2_000_000, "AwaitingRetry"), NOW)
    assert not retries_here(scheduled(NOW, "Scheduled"), NOW)


def test_who_leaves_the_worker() -> None:
    """A pause keeps its process, a suspension does not."""
    assert leaves_worker(propose(T.FAILED))
    assert leaves_worker(propose(T.PAUSED, "Suspended", details={"pause_reschedule": True}))
    assert not leaves_worker(propose(T.PAUSED))
