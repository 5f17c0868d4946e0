"""What becomes of a state proposed for a task run over REST, as 2.x clients do (contract 2.5). Pure.

Clients of 3.x decide about their tasks themselves and tell of it by events; there is nothing to decide for those.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from flowhand.wire.states import TERMINAL, StateName, StateType

from .state import Decision, Proposal, State, Verdict, scheduled

TAG_WAIT_S: Final = 30
"""Seconds after which a task that found no slot asks again (contract 10)."""


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """What the rules need to know. Durations are microseconds."""

    now: int
    run_count: int = 0
    retries: int = 0
    retry_delay_us: int = 0
    flow_ended: bool = False
    cached: Proposal | None = None
    """A completed state under the proposal's cache key that still holds."""
    full_tags: tuple[str, ...] = field(default=())
    """Tags whose limit leaves no slot."""
    closed_tags: tuple[str, ...] = field(default=())
    """Tags whose limit is zero."""


def decide_task(current: State | None, proposed: Proposal, facts: TaskFacts, *, force: bool = False) -> Decision:
    """What becomes of the proposal. `force` accepts all but a repeated one."""
    wanted = proposed.details.get("transition_id")
    if current and wanted and wanted == current.details.get("transition_id"):
        return Decision(Verdict.REJECT, None, "This run has already made this state transition.")
    if not force:
        for rule in (_running, _failed, _too_late):
            decision = rule(current, proposed, facts)
            if decision is not None:
                return decision
    return Decision(Verdict.ACCEPT, proposed)


def _running(current: State | None, proposed: Proposal, facts: TaskFacts) -> Decision | None:
    """Before a task runs: its flow must still run, a cached result is taken instead, its time must have come, its tags must have slots."""
    if proposed.type is not StateType.RUNNING:
        return None
    if facts.flow_ended:
        return Decision(Verdict.ABORT, None, "The enclosing flow must be running to begin task execution.")
    if facts.cached is not None:
        return Decision(Verdict.REJECT, facts.cached, "Retrieved state from cache")
    due = current.scheduled_us if current and current.type is StateType.SCHEDULED else None
    if due is not None and (due - facts.now) // 1_000_000 > 0:
        return Decision(Verdict.WAIT, None, "Scheduled time is in the future", (due - facts.now) // 1_000_000)
    if facts.closed_tags:
        return Decision(Verdict.ABORT, None, f"The concurrency limit on tag {facts.closed_tags[0]!r} is 0.")
    if facts.full_tags:
        return Decision(Verdict.WAIT, None, f"Concurrency limit for the {facts.full_tags[0]} tag has been reached", TAG_WAIT_S)
    return None


def _failed(current: State | None, proposed: Proposal, facts: TaskFacts) -> Decision | None:
    """A failure with tries left becomes the next try."""
    if current is None or current.type is not StateType.RUNNING or proposed.type is not StateType.FAILED or facts.run_count > facts.retries:
        return None
    again = scheduled(facts.now + facts.retry_delay_us, StateName.AWAITING_RETRY, proposed.message)
    return Decision(Verdict.REJECT, Proposal(again.type, again.name, again.message, proposed.data, again.details), "Retrying")


def _too_late(current: State | None, proposed: Proposal, facts: TaskFacts) -> Decision | None:
    """An end is not left by itself."""
    if current is None or current.type not in TERMINAL or proposed.type in TERMINAL or proposed.type is StateType.SCHEDULED:
        return None
    if current.type is StateType.COMPLETED and _has_result(current.data):
        return Decision(Verdict.REJECT, None, "This run is already completed.")
    return None


def _has_result(data: Any) -> bool:
    return isinstance(data, dict) and data.get("type") != "unpersisted"
