"""Bodies of concurrency limits: v2 with leases, and v1 by tag (contract 10)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flowhand.wire.body import Answer, Count, Entity, Id, Name, Positive, Query, Request

Mode = Literal["concurrency", "rate_limit"]
LeaseSeconds = Annotated[float, Field(ge=60, le=86400)]
Names = Annotated[list[str], Field(min_length=1)]
Rate = Annotated[float, Field(ge=0)]


class LimitCreate(Request):
    """A global concurrency limit. `slot_decay_per_second` above zero makes it a rate limit."""

    name: Name
    limit: Count
    active: bool = True
    active_slots: Count = 0
    denied_slots: Count = 0
    slot_decay_per_second: Rate = 0.0


class LimitUpdate(Request):
    """Changes to a limit. What is present is set."""

    name: Name | None = None
    limit: Count | None = None
    active: bool | None = None
    active_slots: Count | None = None
    denied_slots: Count | None = None
    slot_decay_per_second: Rate | None = None


class Limit(Entity):
    """A limit as its creation answers it."""

    name: str
    limit: int
    active: bool = True
    active_slots: int = 0
    denied_slots: int = 0
    slot_decay_per_second: float = 0.0
    avg_slot_occupancy_seconds: float = 2.0


class GlobalLimit(Entity):
    """A limit as it is read."""

    name: str
    limit: int
    active: bool = True
    active_slots: int = 0
    slot_decay_per_second: float = 2.0


class LeaseHolder(Request):
    """Who holds the slots of a lease."""

    type: Literal["flow_run", "task_run", "deployment"]
    id: Id


class Increment(Query):
    """Takes slots of all the named limits, or of none."""

    names: Names
    slots: Positive
    mode: Mode = "concurrency"
    create_if_missing: bool | None = None


class IncrementWithLease(Query):
    """Takes slots that come back by themselves unless the lease is renewed."""

    names: Names
    slots: Positive
    mode: Mode = "concurrency"
    lease_duration: LeaseSeconds = 300.0
    holder: LeaseHolder | None = None


class Decrement(Query):
    """Gives slots back."""

    names: Names
    slots: Positive
    occupancy_seconds: Annotated[float, Field(gt=0)] | None = None
    create_if_missing: bool | None = None


class DecrementWithLease(Query):
    """Ends a lease."""

    lease_id: Id


class RenewLease(Query):
    """Makes a lease last so many seconds from now."""

    lease_duration: LeaseSeconds = 300.0


class TakenLimit(Answer):
    """A limit of which slots were taken."""

    id: str
    name: str
    limit: int


class TakenLimits(Answer):
    """A lease and what it holds."""

    lease_id: str
    limits: list[TakenLimit]


class TagLimitCreate(Request):
    """A limit on task runs that carry a tag."""

    tag: str
    concurrency_limit: int


class TagLimit(Entity):
    """A limit by tag, with the task runs that hold its slots."""

    tag: str
    concurrency_limit: int
    active_slots: list[str] = Field(default_factory=list)


class TagSlots(Query):
    """Takes or gives back the slots of tags for one task run."""

    names: list[str]
    task_run_id: Id


class ResetTag(Query):
    """Sets who holds a tag's slots; nobody when it is not given."""

    slot_override: list[Id] | None = None
