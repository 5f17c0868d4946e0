"""What the rules look at: a run's state, a proposal, the facts around it, and the decision. Plain values, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from flowhand.clock import to_iso, to_micros
from flowhand.wire.states import TERMINAL, StateType, default_name

LEASE: Final = "deployment_concurrency_lease_id"
"""The entry of `state_details` that names the lease by which a foreign client holds its deployment's slot (contract 5.7)."""


UNPERSISTED: Final = "unpersisted"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A state that somebody wants a run to have. `details` is the contract's `state_details`, times in it as ISO-8601."""

    type: StateType
    name: str
    message: str | None = None
    data: Any = None
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def scheduled_us(self) -> int | None:
        """`scheduled_time` of the details."""
        return moment(self.details.get("scheduled_time"))

    def with_details(self, **changes: Any) -> Proposal:
        """The same proposal with other details laid over its own."""
        return replace(self, details={**self.details, **changes})


@dataclass(frozen=True, slots=True)
class State(Proposal):
    """A state that a run has, or had."""

    id: str = ""
    timestamp: int = 0
    """Microseconds since the epoch by the server's clock; unique within a run."""


def propose(
    state_type: StateType | str,
    name: str | None = None,
    message: str | None = None,
    data: Any = None,
    details: Mapping[str, Any] | None = None,
) -> Proposal:
    """A proposal with what may be left out filled in: the name from the type. Of a result that is kept nowhere nothing is told."""
    state_type = StateType(state_type)
    kept = None if isinstance(data, Mapping) and data.get("type") == UNPERSISTED else data
    return Proposal(state_type, default_name(state_type) if name is None else name, message, kept, details or {})


def scheduled(at_us: int, name: str = "Scheduled", message: str | None = None, **details: Any) -> Proposal:
    """A SCHEDULED state for a time."""
    return Proposal(StateType.SCHEDULED, name, message, None, {**details, "scheduled_time": to_iso(at_us)})


def moment(value: object) -> int | None:
    """A time as the contract writes it (ISO-8601, `Z` or offset, `T` or space) in microseconds since the epoch; naive ones are UTC.

    ValueError for text that is no time.
    """
    if value is None:
        return None
    parsed = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return to_micros(parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC))


class CollisionStrategy(StrEnum):
    """What becomes of a run that finds its deployment at its limit."""

    ENQUEUE = "ENQUEUE"
    CANCEL_NEW = "CANCEL_NEW"


@dataclass(frozen=True, slots=True)
class Limit:
    """A deployment's concurrency limit and how much of it is used by other runs."""

    limit: int
    used: int
    strategy: CollisionStrategy = CollisionStrategy.ENQUEUE
    provision_us: int = 300_000_000
    """How long a foreign client may take from Pending to Running before its slot is given to others."""

    @property
    def reached(self) -> bool:
        """Whether no slot is left."""
        return self.used >= self.limit


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What the rules need to know of a run beside its state."""

    now: int
    has_deployment: bool = False
    lost_deployment: bool = False
    """Whether a paused run had one that was deleted since."""
    is_subflow: bool = False
    run_count: int = 0
    infrastructure_pid: str | None = None
    policy: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The contract's `empirical_policy`."""
    limit: Limit | None = None
    """The deployment's limit, where the run needs a slot that it does not hold."""
    leased: bool = False
    """Whether one of our own daemons holds it; its retries are anybody's, a foreign client's are its own process's (contract 2.6)."""

    @property
    def retries(self) -> int:
        """How often a failed run is tried again."""
        return int(self.policy.get("retries") or self.policy.get("max_retries") or 0)

    @property
    def retry_delay_us(self) -> int:
        """Microseconds between a failure and the next try."""
        delay = self.policy.get("retry_delay")
        return round(float(delay if delay is not None else self.policy.get("retry_delay_seconds") or 0) * 1_000_000)

    @property
    def pause_keys(self) -> list[str]:
        """Pauses that have fired already."""
        return list(self.policy.get("pause_keys") or ())


class Verdict(StrEnum):
    """The contract's answer to a proposal."""

    ACCEPT = "ACCEPT"
    REJECT = "REJECT"
    ABORT = "ABORT"
    WAIT = "WAIT"


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a proposal.

    `state` is the state to be written: the proposed one (ACCEPT), another (REJECT), or None when the run stays as it is. `policy` holds
    changes to the run's `empirical_policy`.
    """

    verdict: Verdict
    state: Proposal | None = None
    reason: str = ""
    delay_s: int = 0
    policy: Mapping[str, Any] = field(default_factory=dict[str, Any])


def has_result(state: Proposal) -> bool:
    """Whether the state carries a persisted result (contract 3: a mapping whose type is not `unpersisted`)."""
    return isinstance(state.data, Mapping) and state.data.get("type") != UNPERSISTED


def ended(state: Proposal | None) -> bool:
    """Whether the run is in a terminal state."""
    return state is not None and state.type in TERMINAL
