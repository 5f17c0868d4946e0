"""States as a flow's author sees them: what a flow may return, what a call answers with `return_state=True`, what hooks are given."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from flowhand.errors import CancelledRun, FailedRun, UnfinishedRun
from flowhand.ids import timed_id
from flowhand.wire.states import StateName, StateType, default_name, is_terminal


@dataclass(slots=True, kw_only=True, eq=False)
class State:
    """A state of a run. `data` is the value of a completed run, or the exception of one that failed; it stays in this process."""

    type: StateType
    name: str = ""
    message: str | None = None
    data: Any = None
    state_details: dict[str, Any] = field(default_factory=dict[str, Any])
    timestamp: datetime = field(default_factory=lambda: datetime.now(UTC))
    id: str = field(default_factory=timed_id)

    def __post_init__(self) -> None:
        if type(self.type) is not StateType:
            self.type = StateType(self.type)
        self.name = self.name or default_name(self.type)

    def is_scheduled(self) -> bool:
        """Whether the run waits for its time."""
        return self.type == StateType.SCHEDULED

    def is_pending(self) -> bool:
        """Whether the run is about to begin."""
        return self.type == StateType.PENDING

    def is_running(self) -> bool:
        """Whether the run is under way."""
        return self.type == StateType.RUNNING

    def is_completed(self) -> bool:
        """Whether the run ended well."""
        return self.type == StateType.COMPLETED

    def is_failed(self) -> bool:
        """Whether the run's own code failed."""
        return self.type == StateType.FAILED

    def is_crashed(self) -> bool:
        """Whether something other than the run's own code ended it."""
        return self.type == StateType.CRASHED

    def is_cancelled(self) -> bool:
        """Whether the run was cancelled."""
        return self.type == StateType.CANCELLED

    def is_cancelling(self) -> bool:
        """Whether the run is being cancelled."""
        return self.type == StateType.CANCELLING

    def is_paused(self) -> bool:
        """Whether the run is paused."""
        return self.type == StateType.PAUSED

    def is_final(self) -> bool:
        """Whether the run has ended."""
        return is_terminal(self.type)

    def result(self, raise_on_failure: bool = True) -> Any:
        """The run's value. Of a run that did not complete: its error is raised, or returned when `raise_on_failure` is false.

        UnfinishedRun when the run has not ended, CancelledRun when it was cancelled, FailedRun when there is no error to raise.
        """
        if self.is_completed():
            return self.data
        if not self.is_final():
            raise UnfinishedRun(f"the run is {self.name}; it has no result yet")
        error = self.data if isinstance(self.data, BaseException) else self._error()
        if raise_on_failure:
            raise error
        return error

    def _error(self) -> Exception:
        words = self.message or f"the run ended {self.name}"
        return CancelledRun(words) if self.is_cancelled() else FailedRun(words)

    def __repr__(self) -> str:
        words = f"message={self.message!r}, " if self.message else ""
        return f"{self.name}({words}type={self.type.value})"


def Completed(*, name: str = StateName.COMPLETED, message: str | None = None, data: Any = None) -> State:  # noqa: N802  # reads as a type
    """A state that says: ended well."""
    return State(type=StateType.COMPLETED, name=name, message=message, data=data)


def Failed(*, name: str = StateName.FAILED, message: str | None = None, data: Any = None) -> State:  # noqa: N802
    """A state that says: failed."""
    return State(type=StateType.FAILED, name=name, message=message, data=data)


def Crashed(*, name: str = StateName.CRASHED, message: str | None = None, data: Any = None) -> State:  # noqa: N802
    """A state that says: ended from outside."""
    return State(type=StateType.CRASHED, name=name, message=message, data=data)


def Cancelled(*, name: str = StateName.CANCELLED, message: str | None = None, data: Any = None) -> State:  # noqa: N802
    """A state that says: cancelled."""
    return State(type=StateType.CANCELLED, name=name, message=message, data=data)


def Running(*, name: str = StateName.RUNNING, message: str | None = None) -> State:  # noqa: N802
    """A state that says: under way."""
    return State(type=StateType.RUNNING, name=name, message=message)


def Pending(*, name: str = StateName.PENDING, message: str | None = None) -> State:  # noqa: N802
    """A state that says: about to begin."""
    return State(type=StateType.PENDING, name=name, message=message)
