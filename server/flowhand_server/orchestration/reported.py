"""What becomes of a state that one of our own daemons reports under a lease. Pure.

A report is news, not a wish: it says what has happened to a process. So nothing waits and nothing is double-claimed here (the lease has
settled that); what is left is what a report may turn into, and what has been overtaken.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from flowhand.wire.runner import Reason
from flowhand.wire.states import TERMINAL, StateName, StateType

from .rules import Rule, Transition, keep_result, pause, resume, retry, same_transition
from .state import Decision, Proposal, RunFacts, State, Verdict, ended

HERE_WITHIN_US: Final = 2_000_000
"""A try that is due sooner than this stays with its worker, slot and lease; a longer wait goes through the server."""

_RULES: Final[tuple[Rule, ...]] = (same_transition, keep_result, pause, resume, retry)


def decide_reported(current: State | None, reported: Proposal, facts: RunFacts, *, provisional: bool = False) -> Decision | Reason:
    """The state that the run enters, or why the report is refused.

    `provisional`: the reaper has called the run Crashed, and now its owner is back; what the owner says is what is true.
    """
    if provisional and current is not None:
        current = replace(current, type=StateType.RUNNING)
    if current is not None and ended(current):
        return "already" if current.type is reported.type else "terminal"
    if current is not None and current.type is StateType.CANCELLING:
        return _while_cancelling(reported)
    if current is not None and current.type is reported.type and current.name == reported.name and not provisional:
        return "already"
    transition = Transition(current, reported, facts)
    for rule in _RULES:
        decision = rule(transition)
        if decision is not None:
            return decision
    return Decision(Verdict.ACCEPT, reported)


def _while_cancelling(reported: Proposal) -> Decision | Reason:
    """The wish to cancel was accepted first, so however the process ended, the run ends Cancelled."""
    if reported.type not in TERMINAL:
        return "already"
    if reported.type is StateType.CANCELLED:
        return Decision(Verdict.ACCEPT, reported)
    ending = f"Cancelled; the flow had come to its own end: {reported.name}" + (f" ({reported.message})" if reported.message else "")
    return Decision(Verdict.REJECT, Proposal(StateType.CANCELLED, "Cancelled", ending, None, reported.details), "cancelled")


def retries_here(state: Proposal, now: int) -> bool:
    """Whether an AwaitingRetry state is due so soon that the same worker tries again under the same lease."""
    due = state.scheduled_us
    return state.name == StateName.AWAITING_RETRY and due is not None and due - now < HERE_WITHIN_US


def leaves_worker(state: Proposal) -> bool:
    """Whether a run in this state is nobody's any more: ended, scheduled again, or suspended (its process is gone)."""
    if state.type in TERMINAL or state.type is StateType.SCHEDULED:
        return True
    return state.type is StateType.PAUSED and bool(state.details.get("pause_reschedule"))
