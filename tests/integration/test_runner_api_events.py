"""Events in the reports of a worker: stored once, whatever is in them. A real server process."""

from __future__ import annotations

from typing import Any

import pytest

from flowhand.ids import new_id
from support.runner_api import Api
from support.server import RunningServer


@pytest.fixture(scope="module")
def api(api_server: RunningServer) -> Api:
    return Api(api_server)


def item(run_id: str, name: str, **fields: Any) -> dict[str, Any]:
    event = {"id": new_id(), "occurred": "2026-01-01T00:00:00Z", "event": name, "resource": {"prefect.resource.id": "x"}, **fields}
    return {"run_id": run_id, "attempt": 1, "seq": 5, "event": event}


def stored(api: Api, *names: str) -> list[dict[str, Any]]:
    return api.call("POST", "/events/filter", {"filter": {"event": {"name": list(names)}}})["events"]


def test_events_of_a_report_are_stored_once(api: Api) -> None:
    """Sent again after a lost answer they change nothing; those of a run that nobody knows are left out, and stop nothing else."""
    pool = api.pool()
    worker = api.session(pool)
    api.run(api.deployment(pool))
    run = worker.claimed()[0]["run_id"]
    items = [item(run, "kept", payload={"n": 1}), item(new_id(), "of nobody")]
    for _ in range(2):
        worker.post("report", events=items)
    (found,) = stored(api, "kept", "of nobody")
    assert (found["id"], found["payload"]) == (items[0]["event"]["id"], {"n": 1})


def test_a_text_that_no_database_holds_stops_nothing(api: Api) -> None:
    """A NUL character in an event becomes a symbol, over either way in."""
    pool = api.pool()
    worker = api.session(pool)
    api.run(api.deployment(pool))
    run = worker.claimed()[0]["run_id"]
    odd = item(run, "odd", payload={"a\x00b": ["c\x00d", {"e": "\x00"}]})
    worker.post("report", events=[odd])
    api.call("POST", "/events", [item(run, "odd too", payload={"x": "\x00"})["event"]])
    assert stored(api, "odd")[0]["payload"] == {"a\u2400b": ["c\u2400d", {"e": "\u2400"}]}
    assert stored(api, "odd too")[0]["payload"] == {"x": "\u2400"}
