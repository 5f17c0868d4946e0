"""`emit_event`: telling the API that something has happened."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from flowhand.errors import FlowhandError
from flowhand.events.event import Event
from flowhand.events.related import related_to_run
from flowhand.events.words import in_one_line
from flowhand.sdk.context import process
from flowhand.wire.events import MAX_EVENT_BYTES

if TYPE_CHECKING:
    from flowhand.events.delivery import Delivery

TIGHT: Final = timedelta(minutes=5)
"""Events further apart are not said to follow each other: nobody waits so long to put them in order."""

MAX_FRAME: Final = 200_000
"""Bytes of an event that goes the way of a run's log lines; larger ones would crowd out a worker's reports."""

_lock = threading.Lock()
_deliveries: dict[tuple[int, str], Delivery] = {}


class EventTooLarge(FlowhandError, ValueError):
    """An event has more bytes than the API takes."""


def emit_event(
    event: str,
    resource: Mapping[str, str],
    occurred: datetime | None = None,
    related: Sequence[Mapping[str, str]] | None = None,
    payload: Mapping[str, Any] | None = None,
    id: str | None = None,  # noqa: A002  the name that callers know
    follows: Event | None = None,
) -> Event:
    """Tells the API of an event, and returns it at once; it is delivered in the background, before the process ends.

    Of a run that a worker executes, it goes the way of the log lines, and is not lost while the API is away.

    `resource` is what it happened to: labels with `prefect.resource.id` among them. `related` are others that it touches, each with a
    `prefect.resource.role`; within a run, the run, its flow, its deployment and its tags are added. From plain and from async code.
    ValueError for an event that the API would not take.
    """
    made = make_event(event, resource, occurred, related, payload, id, follows)
    try:
        body = made.body()
        size = len(orjson.dumps(body))
    except (PydanticSerializationError, TypeError) as error:
        raise ValueError(f"event {event!r}: its payload is nothing that JSON can say ({error})") from None
    if size > MAX_EVENT_BYTES:
        raise EventTooLarge(f"event {event!r} has {size} bytes; there may be {MAX_EVENT_BYTES}")
    if size > MAX_FRAME or process.emit is None or not process.emit(body):
        _delivery().send(body, size)
    return made


def make_event(
    name: str,
    resource: Mapping[str, str],
    occurred: datetime | None = None,
    related: Sequence[Mapping[str, str]] | None = None,
    payload: Mapping[str, Any] | None = None,
    event_id: str | None = None,
    follows: Event | None = None,
) -> Event:
    """The event that `emit_event` would send. ValueError for one that the API would not take."""
    if not name:
        raise ValueError("an event needs a name, such as 'order.paid'")
    given: dict[str, Any] = {"occurred": occurred, "id": event_id}
    fields = {key: value for key, value in given.items() if value is not None}
    others = [dict(one) for one in related or ()]
    try:
        made = Event(event=name, resource=dict(resource), related=[*others, *related_to_run(others)], payload=dict(payload or {}), **fields)
    except ValidationError as error:
        raise ValueError(f"event {name!r}: {in_one_line(error)}") from None
    if follows is not None and abs(made.occurred - follows.occurred) < TIGHT:
        made.follows = follows.id
    return made


def _delivery() -> Delivery:
    """The one to the API in force here. After a fork there are none but our own."""
    # here: the child of a worker reports its events like its log lines, and should not pay for a client
    from flowhand.events.delivery import Delivery
    from flowhand.sdk.api import api_settings

    settings = api_settings()
    with _lock:
        key = (os.getpid(), settings.api_url or "")
        found = _deliveries.get(key)
        if found is None:
            found = _deliveries[key] = Delivery(settings)
        return found


def flush_events(within_s: float = 10.0) -> bool:
    """Waits until every event of this process has been delivered or given up, at most so many seconds; whether that was in time."""
    with _lock:
        ours = [delivery for (pid, _), delivery in _deliveries.items() if pid == os.getpid()]
    deadline = time.monotonic() + within_s
    return all(delivery.flush(max(0.0, deadline - time.monotonic())) for delivery in ours)


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()  # another thread may have held the old one
    _deliveries.clear()


os.register_at_fork(after_in_child=_after_fork)
