"""The transition table of the contract (4.2), one function a rule, the first that answers wins.

A rule takes a `Transition` and returns a decision, or None when it has nothing to say. What no rule stops is accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from flowhand.wire.states import ACTIVE, TERMINAL, StateName, StateType

from .state import (
    LEASE,
    CollisionStrategy,
    Decision,
    Proposal,
    RunFacts,
    State,
    Verdict,
    ended,
    has_result,
    moment,
    scheduled,
)

SLOT_WAIT_US: Final = 30_000_000
"""How long a run that found no slot waits before a foreign client may try again (contract 5.7)."""


@dataclass(frozen=True, slots=True)
class Transition:
    """From where, to where, and the facts."""

    current: State | None
    proposed: Proposal
    facts: RunFacts

    @property
    def source(self) -> StateType | None:
        """The type of the current state."""
        return self.current.type if self.current else None

    @property
    def target(self) -> StateType:
        """The type of the proposed state."""
        return self.proposed.type


Rule = Callable[[Transition], Decision | None]


def decide(current: State | None, proposed: Proposal, facts: RunFacts, *, force: bool = False) -> Decision:
    """What becomes of the proposal. `force` keeps only the rules that guard a result and runs without infrastructure (contract 4.2)."""
    transition = Transition(current, proposed, facts)
    for rule in FORCED_RULES if force else RULES:
        decision = rule(transition)
        if decision is not None:
            return decision
    return Decision(Verdict.ACCEPT, proposed) if force else _accept(transition)


def _stay(reason: str) -> Decision:
    return Decision(Verdict.REJECT, None, reason)


def _instead(state: Proposal, reason: str, **policy: object) -> Decision:
    return Decision(Verdict.REJECT, state, reason, policy=policy)


def _abort(reason: str) -> Decision:
    return Decision(Verdict.ABORT, None, reason)


def same_transition(t: Transition) -> Decision | None:
    """A proposal that was accepted before, sent again because its answer was lost."""
    wanted = t.proposed.details.get("transition_id")
    if t.current and wanted and wanted == t.current.details.get("transition_id"):
        return _stay("This run has already made this state transition.")
    return None


ANEW: Final[Mapping[str, Any]] = {"pause_keys": [], "resuming": False, "retry_type": None}
"""What a run that begins from the top has in its `empirical_policy`: each of its pauses fires once more."""


def leave_terminal(t: Transition) -> Decision | None:
    """What may follow an end: another end, or a new beginning."""
    if t.current is None or not ended(t.current):
        return None
    if t.target in {StateType.CANCELLING, StateType.PAUSED, StateType.CRASHED}:
        return _abort(f"Run is already in terminal state {t.source}.")
    if t.source is StateType.COMPLETED and has_result(t.current) and t.target not in TERMINAL:
        return _stay("Run is already COMPLETED.")
    return None


def keep_result(t: Transition) -> Decision | None:
    """A stored result is not replaced by none, not even by force."""
    if t.current is None or t.source is not StateType.COMPLETED or t.target is not StateType.COMPLETED:
        return None
    if has_result(t.current) and not has_result(t.proposed):
        return _stay("Cannot overwrite a COMPLETED state that carries persisted result data with one that does not.")
    return None


def reschedule(t: Transition) -> Decision | None:
    """An ended run that is scheduled anew needs a deployment to run it, and forgets its pauses."""
    if not ended(t.current) or t.target is not StateType.SCHEDULED:
        return None
    if not t.facts.has_deployment:
        return _abort("Cannot reschedule a run without an associated deployment.")
    if t.proposed.name == StateName.LATE:
        return None
    return Decision(Verdict.ACCEPT, t.proposed, policy=ANEW | {"retry_type": "reschedule"})


def only_cancelled_after_cancelling(t: Transition) -> Decision | None:
    """A run that is being cancelled ends Cancelled."""
    if t.source is StateType.CANCELLING and t.target is not StateType.CANCELLED:
        return _stay("Cannot transition flows that are cancelling to a state other than Cancelled.")
    return None


def cancel_without_infrastructure(t: Transition) -> Decision | None:
    """Where nothing runs, nothing has to be stopped: Cancelled at once, also by force."""
    if t.current is None or t.target is not StateType.CANCELLING:
        return None
    if t.source is StateType.SCHEDULED and (not t.facts.infrastructure_pid or t.current.name == StateName.RESUMING):
        return _instead(_cancelled(t.proposed), "Scheduled flow run has no infrastructure to terminate.")
    if t.source is StateType.PAUSED and t.current.details.get("pause_reschedule"):
        return _instead(_cancelled(t.proposed), "Suspended flow run has no infrastructure to terminate.")
    return None


def _cancelled(proposed: Proposal) -> Proposal:
    return Proposal(StateType.CANCELLED, "Cancelled", proposed.message, None, proposed.details)


_HOLDING: Final = frozenset({StateType.PENDING, StateType.RUNNING, StateType.CANCELLING, StateType.CANCELLED})


def pending_once(t: Transition) -> Decision | None:
    """The guard against a double claim: a run becomes Pending once; a Pending run may only refine its name."""
    if t.current is None or t.target is not StateType.PENDING or t.source not in _HOLDING:
        return None
    if t.source is StateType.PENDING and t.proposed.name not in {t.current.name, StateName.PENDING}:
        kept = {key: value for key, value in t.current.details.items() if key in _CARRIED and value is not None}
        given = {key: value for key, value in t.proposed.details.items() if value is not None}
        return Decision(Verdict.ACCEPT, t.proposed.with_details(**{**kept, **given}))
    return _abort(f"This run is in a {t.source} state and cannot transition to a PENDING state.")


_CARRIED: Final = ("scheduled_time", LEASE)


def slot_lost(t: Transition) -> Decision | None:
    """A run whose slot was given to others while it was Pending does not begin."""
    limit = t.facts.limit
    if t.source is not StateType.PENDING or t.target is not StateType.RUNNING or limit is None or not limit.reached:
        return None
    reason = "The deployment's concurrency slot was lost during provisioning: the run took too long to begin, and others have the slots."
    return _instead(Proposal(StateType.CANCELLED, "Cancelled", reason), reason)


def keeps_slot(current: Proposal, state: Proposal) -> bool:
    """Whether a run that goes from one state to the other keeps its deployment's slot; also between two tries in one process."""
    between = current.type is StateType.RUNNING and state.type is StateType.SCHEDULED and state.name == StateName.AWAITING_RETRY
    return state.type in ACTIVE or between


def deployment_limit(t: Transition) -> Decision | None:
    """No slot, no Pending."""
    limit = t.facts.limit
    if t.target is not StateType.PENDING or limit is None or not limit.reached:
        return None
    if t.source is not None and t.source is not StateType.SCHEDULED and t.source not in TERMINAL:
        return None
    reason = "Deployment concurrency limit reached."
    if limit.limit <= 0:
        return _abort("The deployment's concurrency limit is 0.")
    if limit.strategy is CollisionStrategy.CANCEL_NEW:
        return _instead(Proposal(StateType.CANCELLED, "Cancelled", reason), reason)
    return _instead(scheduled(t.facts.now + SLOT_WAIT_US, StateName.AWAITING_CONCURRENCY_SLOT, reason), reason)


def late_only_from_scheduled(t: Transition) -> Decision | None:
    """Late is said of a run that waits for its time, and once."""
    if t.target is not StateType.SCHEDULED or t.proposed.name != StateName.LATE:
        return None
    if t.current is None or t.source is not StateType.SCHEDULED:
        return _stay("Only scheduled flows can be marked late.")
    if t.current.name == StateName.LATE:
        return _stay("This flow run is already marked late.")
    return None


def pause(t: Transition) -> Decision | None:
    """Only what runs can pause, each pause fires once, and only what a deployment can start again may be suspended."""
    if t.target is not StateType.PAUSED:
        return None
    suspend = bool(t.proposed.details.get("pause_reschedule"))
    word = "suspend" if t.proposed.name == StateName.SUSPENDED else "pause"
    if t.source is not StateType.RUNNING:
        return _stay(f"Cannot {word} flows that are not currently running.")
    key = t.proposed.details.get("pause_key") or str(uuid4())
    if key in t.facts.pause_keys:
        return _stay(f"This {word} has already fired.")
    if suspend and t.facts.is_subflow:
        return _abort(f"Cannot {word} subflows.")
    if suspend and not t.facts.has_deployment:
        return _abort(f"Cannot {word} flows without a deployment.")
    return Decision(Verdict.ACCEPT, t.proposed, policy={"pause_keys": [*t.facts.pause_keys, key]})


_GOING_ON: Final = frozenset({StateType.RUNNING, StateType.SCHEDULED})
_AFTER_PAUSE: Final = _GOING_ON | {StateType.CANCELLING} | TERMINAL


def resume(t: Transition) -> Decision | None:
    """What may follow a pause, as long as its time is not over. A suspended run whose deployment was deleted can only end."""
    if t.current is None or t.source is not StateType.PAUSED:
        return None
    if t.target not in _AFTER_PAUSE:
        return _stay(f"This run cannot transition to the {t.target} state from the {t.source} state.")
    suspended = bool(t.current.details.get("pause_reschedule"))
    if suspended and not t.facts.has_deployment and (t.target in _GOING_ON or not t.facts.lost_deployment):
        return _stay(f"Cannot reschedule a {t.proposed.name.lower()} flow run without a deployment.")
    timeout = moment(t.current.details.get("pause_timeout"))
    if timeout is not None and timeout < t.facts.now and t.target is not StateType.CANCELLING:
        word = "suspend" if t.proposed.name == StateName.SUSPENDED else "pause"
        failed = Proposal(StateType.FAILED, "Failed", "The flow was paused and never resumed.")
        return _instead(failed, f"The flow run {word} has timed out and can no longer resume.")
    if t.target is StateType.SCHEDULED and not suspended:
        return Decision(Verdict.ACCEPT, t.proposed, policy=ANEW | {"retry_type": "reschedule"})
    if t.target in _GOING_ON:
        return Decision(Verdict.ACCEPT, t.proposed, policy={"resuming": True})
    return None


def wait_for_time(t: Transition) -> Decision | None:
    """A run does not begin before its time; less than half a second is let pass."""
    if t.current is None or t.target is not StateType.RUNNING or t.source not in {StateType.SCHEDULED, StateType.PENDING}:
        return None
    delay_s = seconds_until(t.current.scheduled_us, t.facts.now)
    return Decision(Verdict.WAIT, None, "Scheduled time is in the future", delay_s) if delay_s > 0 else None


def seconds_until(due: int | None, now: int) -> int:
    """Whole seconds from `now` to `due`, both microseconds; 0 without a time."""
    return 0 if due is None else round((due - now) / 1_000_000)


def retry(t: Transition) -> Decision | None:
    """A failure with tries left becomes the next try, in which each pause fires once more."""
    if t.source is not StateType.RUNNING or t.target is not StateType.FAILED:
        return None
    if t.facts.run_count > t.facts.retries:
        return Decision(Verdict.ACCEPT, t.proposed, policy={"retry_type": None})
    again = scheduled(t.facts.now + t.facts.retry_delay_us, StateName.AWAITING_RETRY, t.proposed.message)
    again = Proposal(again.type, again.name, again.message, t.proposed.data, again.details)
    return _instead(again, "Retrying", **(ANEW | {"retry_type": "reschedule" if t.facts.leased else "in_process"}))


def _accept(t: Transition) -> Decision:
    proposed = t.proposed
    due = t.current.details.get("scheduled_time") if t.current and t.source is StateType.SCHEDULED else None
    if t.target is StateType.PENDING and due and not proposed.details.get("scheduled_time"):
        proposed = proposed.with_details(scheduled_time=due)
    again = ended(t.current) and t.target not in TERMINAL
    return Decision(Verdict.ACCEPT, proposed, policy=ANEW if again else {})


RULES: Final[tuple[Rule, ...]] = (
    same_transition,
    leave_terminal,
    keep_result,
    reschedule,
    only_cancelled_after_cancelling,
    cancel_without_infrastructure,
    pending_once,
    deployment_limit,
    slot_lost,
    late_only_from_scheduled,
    pause,
    resume,
    wait_for_time,
    retry,
)

FORCED_RULES: Final[tuple[Rule, ...]] = (keep_result, cancel_without_infrastructure)
