"""Background tasks over the websocket that gives them out, against a real server."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

from websockets.sync.client import ClientConnection

from flowhand_server.routes.background_tasks import LOOK_S
from support.rest import Rest, fresh


def _defer(rest: Rest, key: str) -> str:
    """A background task that waits; its id."""
    state = {"type": "SCHEDULED", "state_details": {"deferred": True}}
    return rest.made("/task_runs/", task_key=key, dynamic_key=fresh("key"), state=state)["id"]


@contextmanager
def _subscriber(rest: Rest, key: str, name: str = "somebody") -> Generator[ClientConnection]:
    """Somebody who subscribes to a task, and is listed."""
    with rest.socket("/task_runs/subscriptions/scheduled") as socket:
        socket.send(json.dumps({"type": "subscribe", "keys": [key], "client_id": name}))
        rest.until(lambda: name in _listed(rest, key), "it is listed")
        yield socket


def _listed(rest: Rest, key: str) -> dict[str, str]:
    """Who subscribes to a task, and when he was last seen."""
    return {one["identifier"]: one["timestamp"] for one in rest.made("/task_workers/filter", task_worker_filter={"task_keys": [key]})}


def _given(socket: ClientConnection) -> str:
    """The next background task that a subscriber is offered."""
    return json.loads(socket.recv(20))["id"]


def _acknowledge(socket: ClientConnection) -> None:
    socket.send(json.dumps({"type": "ack"}))


def test_who_is_not_asked_writes_nothing(rest: Rest) -> None:
    """A background task wakes all subscribers; that they are there is written every five seconds, whatever is given to others."""
    busy, idle, began, seen = fresh("task"), fresh("task"), time.monotonic(), set[tuple[str, str]]()
    with ExitStack() as stack:
        for number in range(3):
            stack.enter_context(_subscriber(rest, idle, f"idle-{number}"))
        socket = stack.enter_context(_subscriber(rest, busy))
        for _ in range(8):
            made = _defer(rest, busy)
            assert _given(socket) == made
            _acknowledge(socket)
            seen.update(_listed(rest, idle).items())
    assert len(seen) <= 3 * (2 + (time.monotonic() - began) / LOOK_S)


def test_what_somebody_goes_without_having_taken_is_given_to_the_next_at_once(rest: Rest) -> None:
    """Long before that one would look by itself."""
    key = fresh("task")
    with _subscriber(rest, key) as going:
        made = _defer(rest, key)
        assert _given(going) == made
        with _subscriber(rest, key, "another") as waiting:
            going.close()
            assert json.loads(waiting.recv(LOOK_S - 2))["id"] == made


def test_what_is_said_unasked_acknowledges_nothing(rest: Rest) -> None:
    """Else a run would be lost whose subscriber goes before it has read it."""
    key = fresh("task")
    with _subscriber(rest, key) as socket:
        _defer(rest, key)
        _given(socket)
        for _ in range(3):
            _acknowledge(socket)
        socket.ping().wait(10)
        made = _defer(rest, key)
        assert _given(socket) == made
    with _subscriber(rest, key) as socket:
        assert _given(socket) == made


def test_who_does_not_answer_is_listed_on(rest: Rest) -> None:
    """It is still there, with a run that it was offered."""
    key = fresh("task")
    with _subscriber(rest, key) as socket:
        _defer(rest, key)
        _given(socket)
        first = _listed(rest, key)
        rest.until(lambda: _listed(rest, key) != first, "it is said again that it is there", 2 * LOOK_S)
        assert list(_listed(rest, key)) == list(first)
