"""What became of a proposed state, as the contract shows it (contract 4)."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import Response

from flowhand_server.orchestration.state import State, Verdict
from flowhand_server.routes.context import reply
from flowhand_server.store import forms
from flowhand_server.store.flow_runs import Outcome

RunKey = Literal["flow_run_id", "task_run_id"]


def details_form(status: Verdict, reason: str, delay_s: int = 0) -> dict[str, Any]:
    """Why, in the form that goes with the status."""
    match status:
        case Verdict.ACCEPT:
            return {"type": "accept_details"}
        case Verdict.WAIT:
            return {"type": "wait_details", "delay_seconds": delay_s, "reason": reason}
        case Verdict.ABORT:
            return {"type": "abort_details", "reason": reason}
        case Verdict.REJECT:
            return {"type": "reject_details", "reason": reason}


def outcome_form(outcome: Outcome, run_id: str, of: RunKey = "flow_run_id") -> dict[str, Any]:
    """The contract's `OrchestrationResult`, with the state that holds now. `of` says what kind of run it is."""
    return {
        "state": state_form(outcome.state, run_id, of) if outcome.state else None,
        "status": outcome.status.value,
        "details": details_form(outcome.status, outcome.reason, outcome.delay_s),
    }


def state_form(state: State, run_id: str, of: RunKey = "flow_run_id") -> dict[str, Any]:
    """A state as the contract shows it."""
    row = {
        "id": state.id,
        "type": state.type.value,
        "name": state.name,
        "timestamp": state.timestamp,
        "message": state.message,
        "state_details": state.details,
        "data": state.data,
        of: run_id,
    }
    return forms.state(row)


def outcome_reply(outcome: Outcome, run_id: str, now: int, of: RunKey = "flow_run_id") -> Response:
    """201 when the state is new, 200 else."""
    new = outcome.state is not None and outcome.state.timestamp >= now
    return reply(outcome_form(outcome, run_id, of), 201 if new else 200)
