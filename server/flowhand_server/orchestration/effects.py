"""What an accepted state does to its run's fields (contract 4.3). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowhand.clock import to_iso
from flowhand.wire.states import TERMINAL, StateType

from .state import Proposal, State


@dataclass(frozen=True, slots=True)
class Progress:
    """The fields of a run that follow its states. Times are microseconds since the epoch, `total_run_time` microseconds."""

    state_id: str | None = None
    state_type: str | None = None
    state_name: str | None = None
    state_timestamp: int | None = None
    run_count: int = 0
    expected_start_time: int | None = None
    next_scheduled_start_time: int | None = None
    start_time: int | None = None
    end_time: int | None = None
    total_run_time: int = 0
    in_process: bool = False
    """It is SCHEDULED, but a foreign client's process will go on with it by itself (contract 2.6)."""


def stamp(state: Proposal, state_id: str, now: int, before: int | None) -> State:
    """The proposal as a state of its own: with an id, and with a time later than the run's last one.

    A SCHEDULED state without a time is for now (contract 3).
    """
    timestamp = now if before is None or now > before else before + 1
    details = dict(state.details)
    if state.type is StateType.SCHEDULED and not details.get("scheduled_time"):
        details["scheduled_time"] = to_iso(timestamp)
    return State(state.type, state.name, state.message, state.data, details, state_id, timestamp)


def advance(run: Progress, new: State, policy: Mapping[str, Any]) -> tuple[Progress, Mapping[str, Any]]:
    """The run's fields and its `empirical_policy` after it has entered `new`."""
    running = new.type is StateType.RUNNING
    terminal = new.type in TERMINAL
    resuming = bool(policy.get("resuming"))
    ran = 0
    if run.state_type == StateType.RUNNING and run.state_timestamp is not None:
        ran = max(0, new.timestamp - run.state_timestamp)
    due = new.scheduled_us
    progress = Progress(
        state_id=new.id,
        state_type=new.type.value,
        state_name=new.name,
        state_timestamp=new.timestamp,
        run_count=run.run_count + (1 if running and not resuming else 0),
        expected_start_time=_expected(run, new, due),
        next_scheduled_start_time=due if new.type is StateType.SCHEDULED else None,
        start_time=run.start_time if run.start_time is not None or not (running or terminal) else new.timestamp,
        end_time=(run.end_time or new.timestamp) if terminal else None,  # the first end counts
        total_run_time=run.total_run_time + ran,
        in_process=new.type is StateType.SCHEDULED and policy.get("retry_type") == "in_process",
    )
    if resuming and (running or terminal):
        policy = {**policy, "resuming": False}
    return progress, policy


def _expected(run: Progress, new: State, due: int | None) -> int | None:
    if run.expected_start_time is not None:
        return run.expected_start_time
    return due if new.type is StateType.SCHEDULED else new.timestamp
