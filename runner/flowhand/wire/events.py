"""Bodies of events and of the filters over them (contract 8).

A resource is a mapping of labels, all text; `prefect.resource.id` names it, and in a related one `prefect.resource.role` says what it is
to the event.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field

from flowhand.wire.body import Answer, Id, Moment, Part, Query, Request

RESOURCE_ID: Final = "prefect.resource.id"
RESOURCE_ROLE: Final = "prefect.resource.role"
RESOURCE_NAME: Final = "prefect.resource.name"
MAX_LABELS: Final = 500
MAX_RELATED: Final = 100
MAX_EVENT_BYTES: Final = 1_500_000


def _resource(labels: dict[str, str]) -> dict[str, str]:
    if not labels.get(RESOURCE_ID):
        raise ValueError(f"a resource needs the label {RESOURCE_ID}")
    if len(labels) > MAX_LABELS:
        raise ValueError(f"a resource has at most {MAX_LABELS} labels")
    return labels


def _related(labels: dict[str, str]) -> dict[str, str]:
    if not labels.get(RESOURCE_ROLE):
        raise ValueError(f"a related resource needs the label {RESOURCE_ROLE}")
    return _resource(labels)


Resource = Annotated[dict[str, str], AfterValidator(_resource)]
ResourceLabels = dict[str, str | list[str]]
"""Which labels a resource must have, each a text or any of several; `*` at the end stands for anything, `!` before it for anything else."""
RelatedResource = Annotated[dict[str, str], AfterValidator(_related)]


class Event(Answer):
    """Something that happened to a resource."""

    id: Id
    occurred: Moment
    event: Annotated[str, Field(max_length=1024)]
    resource: Resource
    related: Annotated[list[RelatedResource], Field(max_length=MAX_RELATED)] = Field(default_factory=list)
    payload: dict[str, Any] = Field(default_factory=dict)
    follows: Id | None = None


class ReceivedEvent(Event):
    """An event as it is stored."""

    received: datetime


class OccurredFilter(Request):
    """When an event happened."""

    since: Moment | None = None
    until: Moment | None = None


class NameFilter(Request):
    """What an event is called."""

    prefix: list[Part] | None = None
    exclude_prefix: list[Part] | None = None
    name: list[str] | None = None
    exclude_name: list[str] | None = None


class ResourceFilter(Request):
    """Which resource an event is about."""

    id: list[str] | None = None
    id_prefix: list[Part] | None = None
    labels: ResourceLabels | None = None
    distinct: bool = False


class RelatedFilter(Request):
    """Which resources an event touches besides."""

    id: list[str] | None = None
    role: list[str] | None = None
    resources_in_roles: list[tuple[str, str]] | None = None
    labels: ResourceLabels | None = None


class AnyResourceFilter(Request):
    """Which resources an event is about or touches."""

    id: list[str] | None = None
    id_prefix: list[Part] | None = None
    labels: ResourceLabels | None = None


class EventIds(Request):
    """Which events by id."""

    id: list[Id] | None = None


class TextFilter(Request):
    """Words in an event."""

    query: Annotated[str, Field(max_length=200)]


class EventFilter(Request):
    """Which events."""

    occurred: OccurredFilter = Field(default_factory=OccurredFilter)
    event: NameFilter | None = None
    resource: ResourceFilter | None = None
    related: RelatedFilter | list[RelatedFilter] | None = None
    any_resource: AnyResourceFilter | list[AnyResourceFilter] | None = None
    id: EventIds = Field(default_factory=EventIds)
    text: TextFilter | None = None
    order: Literal["ASC", "DESC"] = "DESC"


class EventQuery(Query):
    """Reads events."""

    filter: EventFilter | None = None
    limit: Annotated[int, Field(ge=0, le=50)] = 50


class EventCountQuery(Query):
    """Counts events by day, time, name or resource."""

    filter: EventFilter
    time_unit: Literal["week", "day", "hour", "minute", "second"] = "day"
    time_interval: Annotated[float, Field(ge=0.01)] = 1.0


class EventPage(Answer):
    """Events, and where the next ones are."""

    events: list[ReceivedEvent]
    total: int
    next_page: str | None = None


class EventCount(Answer):
    """How many events of one kind or time."""

    value: str
    label: str
    count: int
    start_time: datetime
    end_time: datetime
