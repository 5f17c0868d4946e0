"""What becomes of a state proposed for a task run over REST, as 2.x clients do (contract 2.5). Pure.

Clients of 3.x decide about their tasks themselves and tell of it by events; there is nothing to decide for those.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from flowhand.wire.states import StateName, StateType
from flowhand.wire.task_runs import MAX_CACHE_KEY

from .rules import seconds_until
from .state import Decision, Proposal, State, Verdict, ended, has_result, scheduled

TAG_WAIT_S: Final = 30
"""Seconds after which a task that found no slot asks again (contract 10)."""


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """What the rules need to know. Durations are microseconds."""

    now: int
    run_count: int = 0
    retries: int = 0
    retry_delay_us: int = 0
    flow: FlowFacts | None = None
    """The flow run that it is of, where it is of one."""
    cached: Proposal | None = None
    """A completed state under the proposal's cache key that still holds."""
    full_tags: tuple[str, ...] = field(default=())
    """Tags whose limit leaves no slot."""
    closed_tags: tuple[str, ...] = field(default=())
    """Tags whose limit is zero."""


@dataclass(frozen=True, slots=True)
class FlowFacts:
    """What they need to know of its flow run."""

    id: str
    state: Proposal | None
    newer: bool = False
    """Whether the flow has begun another try since the task ran."""


TaskRule = Callable[[State | None, Proposal, TaskFacts], Decision | None]


def decide_task(current: State | None, proposed: Proposal, facts: TaskFacts, *, force: bool = False) -> Decision:
    """What becomes of the proposal. `force` accepts all but a repeated one, and but for what others execute in the background."""
    wanted = proposed.details.get("transition_id")
    if current and wanted and wanted == current.details.get("transition_id"):
        return Decision(Verdict.REJECT, None, "This run has already made this state transition.")
    deferred = bool(proposed.details.get("deferred"))
    if force and not deferred:
        return Decision(Verdict.ACCEPT, proposed)
    for rule in _DEFERRED if deferred else _RULES:
        decision = rule(current, proposed, facts)
        if decision is not None:
            return decision
    return Decision(Verdict.ACCEPT, _refined(current, proposed, facts))


def begins_anew(current: State | None, proposed: Proposal) -> bool:
    """Whether a run's tries are counted from the beginning: it has ended, and goes on."""
    return ended(current) and not ended(proposed)


def _pending_once(current: State | None, proposed: Proposal, _facts: TaskFacts) -> Decision | None:
    held = {StateType.PENDING, StateType.RUNNING, StateType.CANCELLING, StateType.CANCELLED}
    if proposed.type is not StateType.PENDING or current is None or current.type not in held:
        return None
    if current.type is StateType.PENDING and proposed.name not in {current.name, StateName.PENDING}:
        return None
    return Decision(Verdict.ABORT, None, f"This run is in a {current.type} state and cannot transition to a PENDING state.")


def _from_cache(_current: State | None, proposed: Proposal, facts: TaskFacts) -> Decision | None:
    """A result that is kept already is taken instead."""
    if proposed.type is StateType.RUNNING and facts.cached is not None:
        return Decision(Verdict.REJECT, facts.cached, "Retrieved state from cache")
    return None


def _after_the_end(current: State | None, proposed: Proposal, _facts: TaskFacts) -> Decision | None:
    """An end is not left by itself, and one with a result not at all."""
    if current is None or not ended(current):
        return None
    if proposed.type in {StateType.CANCELLING, StateType.PAUSED, StateType.CRASHED}:
        return Decision(Verdict.ABORT, None, f"Run is already {current.type}.")
    if current.type is StateType.COMPLETED and has_result(current):
        return Decision(Verdict.REJECT, None, "This run is already completed.")
    return None


def _in_a_running_flow(_current: State | None, proposed: Proposal, facts: TaskFacts) -> Decision | None:
    """A task runs while its flow does; while that is paused it waits as long."""
    if proposed.type is not StateType.RUNNING or facts.flow is None:
        return None
    state = facts.flow.state
    if state is not None and state.type is StateType.RUNNING:
        return None
    if state is None or state.type is not StateType.PAUSED:
        return Decision(Verdict.ABORT, None, "The enclosing flow must be running to begin task execution.")
    kept = {name: state.details[name] for name in ("pause_timeout", "pause_reschedule") if state.details.get(name) is not None}
    reason = f"The flow is paused, new tasks can execute after resuming flow run: {facts.flow.id}."
    return Decision(Verdict.REJECT, Proposal(StateType.PAUSED, "NotReady", details=kept), reason)


def _with_slots(_current: State | None, proposed: Proposal, facts: TaskFacts) -> Decision | None:
    """Its tags must have slots."""
    if proposed.type is not StateType.RUNNING:
        return None
    if facts.closed_tags:
        return Decision(
            Verdict.ABORT,
            None,
            f'The concurrency limit on tag "{facts.closed_tags[0]}" is 0 and will deadlock if the task tries to run again.',
        )
    if facts.full_tags:
        return Decision(Verdict.WAIT, None, f"Concurrency limit for the {facts.full_tags[0]} tag has been reached", TAG_WAIT_S)
    return None


def _in_time(current: State | None, proposed: Proposal, facts: TaskFacts) -> Decision | None:
    """Its time must have come."""
    if proposed.type is not StateType.RUNNING or current is None or current.type not in _WAITING:
        return None
    delay_s = seconds_until(current.scheduled_us, facts.now)
    return Decision(Verdict.WAIT, None, "Scheduled time is in the future", delay_s) if delay_s > 0 else None


def _again(current: State | None, proposed: Proposal, facts: TaskFacts) -> Decision | None:
    """A failure with tries left becomes the next try, unless the client says that it is not to be tried again."""
    if current is None or current.type is not StateType.RUNNING or proposed.type is not StateType.FAILED:
        return None
    if facts.run_count > facts.retries or proposed.details.get("retriable") is False:
        return None
    again = scheduled(facts.now + facts.retry_delay_us, StateName.AWAITING_RETRY, proposed.message)
    return Decision(Verdict.REJECT, replace(again, data=proposed.data), "Retrying")


def _short_cache_key(_current: State | None, proposed: Proposal, _facts: TaskFacts) -> Decision | None:
    if proposed.type is StateType.COMPLETED and len(proposed.details.get("cache_key") or "") > MAX_CACHE_KEY:
        return Decision(Verdict.REJECT, proposed, f"Cache key exceeded maximum allowed length of {MAX_CACHE_KEY} characters.")
    return None


def _refined(current: State | None, proposed: Proposal, facts: TaskFacts) -> Proposal:
    """What is accepted, with the time that it was scheduled for and the parameters that wait for it, and with a name that tells of another
    try.
    """
    if current is None:
        return proposed
    if proposed.details.get("deferred") and current.type in _WAITING and proposed.type in {StateType.PENDING, StateType.RUNNING}:
        parameters = proposed.details.get("task_parameters_id") or current.details.get("task_parameters_id")
        proposed = proposed.with_details(task_parameters_id=parameters)
    due = current.details.get("scheduled_time")
    if current.type is StateType.SCHEDULED and proposed.type is StateType.PENDING and due and not proposed.details.get("scheduled_time"):
        return proposed.with_details(scheduled_time=due)
    if proposed.type is not StateType.RUNNING:
        return proposed
    if ended(current):
        return replace(proposed, name=StateName.RETRYING) if facts.flow is not None and facts.flow.newer else proposed
    if facts.run_count:
        again = StateName.RETRYING if current.name == StateName.AWAITING_RETRY else "Rerunning"
        return replace(proposed, name=again)
    return proposed


_WAITING: Final = frozenset({StateType.SCHEDULED, StateType.PENDING})
_RULES: Final[tuple[TaskRule, ...]] = (_from_cache, _after_the_end, _in_a_running_flow, _with_slots, _in_time, _again, _short_cache_key)
_DEFERRED: Final[tuple[TaskRule, ...]] = (_pending_once, _from_cache, _after_the_end, _in_time, _again, _short_cache_key)
