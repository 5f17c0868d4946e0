"""The states of a run: types, names, and what each means. No I/O, and no import that costs anything.

The nine types and their names are the REST contract's (contract 3); a name refines a type for people, rules look at types first.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class StateType(StrEnum):
    """What a run is doing, as far as rules are concerned."""

    SCHEDULED = "SCHEDULED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    CRASHED = "CRASHED"
    PAUSED = "PAUSED"
    CANCELLING = "CANCELLING"


TERMINAL: Final = frozenset({StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED, StateType.CRASHED})
"""Types a run does not leave by itself."""

ACTIVE: Final = frozenset({StateType.PENDING, StateType.RUNNING, StateType.CANCELLING})
"""Types that hold a concurrency slot."""


class StateName:
    """Names that refine a type, where rules or people tell them apart."""

    SCHEDULED: Final = "Scheduled"
    LATE: Final = "Late"
    AWAITING_RETRY: Final = "AwaitingRetry"
    AWAITING_CONCURRENCY_SLOT: Final = "AwaitingConcurrencySlot"
    RESUMING: Final = "Resuming"
    PENDING: Final = "Pending"
    SUBMITTING: Final = "Submitting"
    RUNNING: Final = "Running"
    RETRYING: Final = "Retrying"
    PAUSED: Final = "Paused"
    SUSPENDED: Final = "Suspended"
    COMPLETED: Final = "Completed"
    FAILED: Final = "Failed"
    TIMED_OUT: Final = "TimedOut"
    CRASHED: Final = "Crashed"
    CANCELLED: Final = "Cancelled"
    CANCELLING: Final = "Cancelling"


def default_name(state_type: StateType) -> str:
    """The name a state has when none is given: its type, capitalised (contract 3)."""
    return state_type.value.capitalize()


def is_terminal(state_type: str) -> bool:
    """Whether a run in this type has ended."""
    return state_type in TERMINAL
