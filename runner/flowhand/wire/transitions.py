"""Bodies about states: what is proposed, what is stored, and what a proposal became (contract 3 and 4)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from flowhand.wire.body import Answer, Id, Moment, Request
from flowhand.wire.states import StateType, default_name

SetStateStatus = Literal["ACCEPT", "REJECT", "ABORT", "WAIT"]


class StateDetails(Answer):
    """What rules and clients keep beside a state. Unknown keys are ignored."""

    flow_run_id: Id | None = None
    task_run_id: Id | None = None
    child_flow_run_id: Id | None = None
    scheduled_time: Moment | None = None
    cache_key: str | None = None
    cache_expiration: Moment | None = None
    deferred: bool | None = None
    untrackable_result: bool = False
    pause_timeout: Moment | None = None
    pause_reschedule: bool = False
    pause_key: str | None = None
    run_input_keyset: dict[str, str] | None = None
    refresh_cache: bool | None = None
    retriable: bool | None = None
    transition_id: Id | None = None
    """Fresh for each proposal, so that a repeated request is recognised."""
    task_parameters_id: Id | None = None
    traceparent: str | None = None
    deployment_concurrency_lease_id: Id | None = None


class StateCreate(Request):
    """A proposed state. The server gives it its id and its time."""

    type: StateType
    name: str | None = None
    message: str | None = None
    data: Any = None
    state_details: StateDetails = Field(default_factory=StateDetails)

    def resolved_name(self) -> str:
        """Its name, or the one that its type goes by."""
        return self.name or default_name(self.type)


class State(Answer):
    """A state as it is stored."""

    model_config = ConfigDict(extra="ignore")

    id: str
    type: StateType
    name: str | None = None
    timestamp: Moment
    message: str | None = None
    data: Any = None
    state_details: StateDetails = Field(default_factory=StateDetails)


class SetState(Request):
    """The body of `set_state`. `force` leaves only the few rules in force that contract 4.2 names."""

    model_config = ConfigDict(extra="ignore")

    state: StateCreate
    force: bool = False


class TransitionDetails(Answer):
    """Why a proposal was not simply taken; which keys are there depends on `type`."""

    type: Literal["accept_details", "reject_details", "abort_details", "wait_details"]
    reason: str | None = None
    delay_seconds: int | None = None


class OrchestrationResult(Answer):
    """What became of a proposal, and the state that holds now."""

    state: State | None = None
    status: SetStateStatus
    details: TransitionDetails
