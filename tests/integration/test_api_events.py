"""Events over HTTP and websockets, and the task runs they tell of (contract 8), against a real server."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from support.rest import Rest, fresh
from support.server import running_server

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _event(name: str, resource: str = "thing.1", **fields: Any) -> dict[str, Any]:
    made = {
        "id": str(uuid.uuid4()),
        "occurred": datetime.now(UTC).isoformat(),
        "event": name,
        "resource": {"prefect.resource.id": resource},
    }
    return made | fields


def _owner(number: int) -> dict[str, str]:
    return {"prefect.resource.id": f"owner.{number}", "prefect.resource.role": "owner"}


def _minute(number: int) -> str:
    return (NOW + timedelta(minutes=number)).isoformat()


def _found(rest: Rest, **wanted: Any) -> list[dict[str, Any]]:
    return rest.made("/events/filter", filter=wanted)["events"]


def test_an_event_is_stored_once(rest: Rest) -> None:
    """204; the same id twice is one event; what is none is 422."""
    event = _event(fresh("thing.happened"), payload={"a": [1]})
    for _ in range(2):
        assert rest.post("/events", [event]).status_code == 204
    (stored,) = _found(rest, event={"name": [event["event"]]})
    assert (stored["payload"], stored["follows"]) == ({"a": [1]}, None)
    assert stored["received"]
    assert rest.post("/events", [{"event": "x"}]).status_code == 422
    assert rest.post("/events", [_event("x", resource="")]).status_code == 422


@pytest.mark.parametrize(
    "wanted",
    [
        {"event": {"prefix": ["needle."]}},
        {"resource": {"id": ["needle.1"]}},
        {"resource": {"id_prefix": ["needle"]}},
        {"resource": {"labels": {"colour": ["red", "blue"]}}},
        {"related": {"role": ["owner"]}},
        {"related": {"id": ["owner.1"], "labels": {"kind": "own*"}}},
        {"any_resource": {"id_prefix": ["owner."]}},
        {"text": {"query": "+needle -straw"}},
        {"event": {"exclude_prefix": ["straw."]}, "resource": {"id_prefix": ["needle", "straw"]}},
    ],
)
def test_filters(rest: Rest, wanted: dict[str, Any]) -> None:
    """Every part of a filter finds the needle and leaves the straw."""
    related = [{"prefect.resource.id": "owner.1", "prefect.resource.role": "owner", "kind": "owned"}]
    needle = _event("needle.found", "needle.1", related=related)
    needle["resource"]["colour"] = "blue"
    rest.post("/events", [needle, _event("straw.found", "straw.1")])
    assert {event["event"] for event in _found(rest, **wanted)} == {"needle.found"}


def test_pages(rest: Rest) -> None:
    """A page points to the next, in the order asked for, without overlap; counts are by name and by day."""
    name = fresh("paged")
    batch = [_event(name, occurred=(NOW + timedelta(minutes=number)).isoformat(), payload={"n": number}) for number in range(5)]
    rest.post("/events", batch)
    page = rest.made("/events/filter", filter={"event": {"name": [name]}, "order": "ASC"}, limit=2)
    assert page["total"] == 5
    seen: list[int] = []
    while True:
        seen += [event["payload"]["n"] for event in page["events"]]
        if not page["next_page"]:
            break
        page = rest.http.get(page["next_page"]).json()
    assert seen == [0, 1, 2, 3, 4]
    assert rest.get("/events/filter/next", **{"page-token": "nonsense"}).status_code == 403
    assert [count["count"] for count in rest.made("/events/count-by/event", filter={"event": {"name": [name]}})] == [5]
    day = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-01T12:00:00Z"}
    assert [one["count"] for one in rest.made("/events/count-by/day", filter={"event": {"name": [name]}, "occurred": day})] == [5]


def test_all_parts_of_a_filter_are_counted(rest: Rest) -> None:
    """What is excluded, labels, related resources and repeated resources count as they are found, by name and by the resource's name."""
    name = fresh("counted")
    for number in range(4):
        event = _event(f"{name}.{number % 2}", related=[_owner(number)], occurred=_minute(number))
        about = {"prefect.resource.id": f"{name}.{number % 3}", "prefect.resource.name": f"called {number % 3}", "odd": str(number % 2)}
        assert rest.post("/events", [event | {"resource": about}]).status_code == 204
    here = {"resource": {"id_prefix": [name]}}
    totals = [
        rest.made("/events/filter", filter=here | more, limit=1)["total"]
        for more in (
            {},
            {"event": {"exclude_name": [f"{name}.0"]}},
            {"event": {"exclude_prefix": [name]}},
            {"resource": {"labels": {"prefect.resource.id": f"{name}.*", "odd": "1"}}},
            {"related": {"id": ["owner.3"]}},
            {"resource": {"id_prefix": [name], "distinct": True}},
        )
    ]
    assert totals == [4, 2, 0, 2, 1, 3]
    distinct = rest.made("/events/filter", filter={"resource": {"id_prefix": [name], "distinct": True}})["events"]
    assert [event["resource"]["prefect.resource.id"] for event in distinct] == [f"{name}.0", f"{name}.2", f"{name}.1"]
    by_name = rest.made("/events/count-by/event", filter=here | {"related": {"id": ["owner.0", "owner.1", "owner.2"]}})
    assert [(one["value"], one["count"]) for one in by_name] == [(f"{name}.0", 2), (f"{name}.1", 1)]
    by_resource = rest.made("/events/count-by/resource", filter=here)
    assert [(one["label"], one["count"]) for one in by_resource] == [("called 0", 2), ("called 1", 1), ("called 2", 1)]


def test_spans_without_events_are_counted_too(rest: Rest) -> None:
    """Spans are cut at the same moments for everybody, numbered by their place; more than a thousand are refused."""
    name = fresh("spans")
    rest.post("/events", [_event(name, occurred=f"2026-01-05T0{hour}:30:00Z") for hour in (1, 1, 4)])
    wanted = {"event": {"name": [name]}, "occurred": {"since": "2026-01-05T00:30:00Z", "until": "2026-01-05T05:30:00Z"}}
    found = rest.made("/events/count-by/time", filter=wanted, time_unit="hour", time_interval=2)
    assert [(one["value"], one["count"]) for one in found] == [("0", 2), ("1", 0), ("2", 1)]
    assert (found[1]["start_time"], found[1]["end_time"]) == ("2026-01-05T02:00:00.000000Z", "2026-01-05T03:59:59.999999Z")
    assert rest.post("/events/count-by/time", filter=wanted, time_unit="second").status_code == 422


def test_events_come_in_by_socket(rest: Rest) -> None:
    """One event a message, no answer; what is no event ends the connection."""
    name = fresh("socket.spoke")
    with rest.socket("/events/in") as socket:
        for _ in range(300):
            socket.send(json.dumps(_event(name)))
    rest.until(lambda: rest.made("/events/filter", filter={"event": {"name": [name]}}, limit=1)["total"] == 300, "all are stored")
    with rest.socket("/events/in") as socket:
        socket.send("not an event")
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1002


def test_the_stream_begins_with_what_was_and_goes_on_with_what_is(rest: Rest) -> None:
    """Stored events of the last minutes in the order they happened, then new ones, each once."""
    name = fresh("streamed")
    earlier = [_event(name, payload={"n": n}, occurred=(datetime.now(UTC) + timedelta(seconds=n - 10)).isoformat()) for n in (1, 0)]
    ancient = _event(name, occurred=(datetime.now(UTC) - timedelta(hours=2)).isoformat())
    rest.post("/events", [*earlier, ancient])
    with rest.socket("/events/out") as socket:
        socket.send(json.dumps({"type": "filter", "filter": {"event": {"name": [name]}, "order": "DESC"}}))
        first = [json.loads(socket.recv(10)) for _ in range(2)]
        assert [message["type"] for message in first] == ["event", "event"]
        assert [message["event"]["payload"]["n"] for message in first] == [0, 1]
        rest.post("/events", [_event("another"), _event(name, payload={"n": 2})])
        assert json.loads(socket.recv(10))["event"]["payload"] == {"n": 2}


def test_a_cancel_is_told_at_once(rest: Rest) -> None:
    """The state event that a runner waits for comes by itself, with the run as its resource (contract 2.4)."""
    run = rest.run()
    rest.set_state(run, "PENDING")
    rest.set_state(run, "RUNNING")
    with rest.socket("/events/out") as socket:
        since = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
        wanted = {"event": {"name": ["prefect.flow-run.Cancelling"]}, "occurred": {"since": since, "until": "2099-01-01T00:00:00Z"}}
        socket.send(json.dumps({"type": "filter", "filter": wanted}))
        rest.set_state(run, "CANCELLING")
        event = json.loads(socket.recv(10))["event"]
    assert event["resource"]["prefect.resource.id"] == f"prefect.flow-run.{run['id']}"
    assert event["payload"]["intended"] == {"from": "RUNNING", "to": "CANCELLING"}
    assert event["id"] == rest.read(f"/flow_runs/{run['id']}")["state_id"]


@pytest.mark.parametrize("first", [{"type": "hello"}, {"type": "filter", "filter": {"surprise": 1}}])
def test_a_wrong_first_message_ends_the_stream(rest: Rest, first: dict[str, Any]) -> None:
    """Anything but a filter closes with 1002."""
    with rest.socket("/events/out") as socket:
        socket.send(json.dumps(first))
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1002


def test_old_clients_need_no_handshake(rest: Rest) -> None:
    """Without the subprotocol a socket is let in as long as nothing is asked of anybody."""
    name = fresh("old")
    with connect(rest.url.replace("http://", "ws://") + "/events/in") as socket:
        socket.send(json.dumps(_event(name)))
    rest.until(lambda: _found(rest, event={"name": [name]}), "the event is stored")


def test_sockets_ask_for_credentials(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where a token is asked for, a wrong one closes with 1008, and a client that offers none is refused."""
    with running_server(tmp_path_factory.mktemp("home"), embedded=True) as server:
        rest = Rest(server.url, headers=server.headers)
        url = server.url.replace("http://", "ws://") + "/events/in"
        with connect(url, subprotocols=["prefect"]) as socket:
            socket.send(json.dumps({"type": "auth", "token": "wrong"}))
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(10)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1008
        with pytest.raises(InvalidStatus), connect(url):
            pass
        name = fresh("guarded")
        with rest.socket("/events/in", server.token) as socket:
            socket.send(json.dumps(_event(name)))
        rest.until(lambda: _found(rest, event={"name": [name]}), "the event is stored")


def test_log_lines_stream(rest: Rest) -> None:
    """`/logs/out` sends the lines that fit, as they are stored."""
    run = rest.run()
    line = {"name": "x", "level": 30, "message": "seen", "timestamp": NOW.isoformat(), "flow_run_id": run["id"]}
    with rest.socket("/logs/out") as socket:
        socket.send(json.dumps({"type": "filter", "filter": {"flow_run_id": {"any_": [run["id"]]}, "level": {"ge_": 20}}}))

        def seen() -> dict[str, Any] | None:
            rest.made("/logs/", [line | {"level": 10, "message": "unseen"}, line])
            try:
                return json.loads(socket.recv(0.2))
            except TimeoutError:
                return None

        message = rest.until(seen, "a line comes")
    assert (message["type"], message["log"]["message"]) == ("log", "seen")


# --- task runs -------------------------------------------------------------------------------------------------------------------------


def _task_event(run: dict[str, Any], task_run_id: str, kind: str, second: int, **fields: Any) -> dict[str, Any]:
    """What a 3.x client tells of a task."""
    at = (NOW + timedelta(seconds=second)).isoformat()
    task = {"name": "t-1", "task_key": "t", "dynamic_key": task_run_id, "tags": ["x"], "task_inputs": {"a": []}, "run_count": second}
    return {
        "id": str(uuid.uuid4()),
        "occurred": at,
        "event": f"prefect.task-run.{kind.capitalize()}",
        "resource": {
            "prefect.resource.id": f"prefect.task-run.{task_run_id}",
            "prefect.resource.name": "t-1",
            "prefect.orchestration": "client",
        },
        "related": [{"prefect.resource.id": f"prefect.flow-run.{run['id']}", "prefect.resource.role": "flow-run"}],
        "payload": {"validated_state": {"type": kind, "name": kind.capitalize(), "state_details": {}}, "task_run": task | fields},
    }


def test_task_runs_are_made_of_events(rest: Rest) -> None:
    """Events in any order, some twice, one too late: the task run is as its newest event says, its states are all there once."""
    run, task_run_id = rest.run(), str(uuid.uuid4())
    pending, running = (_task_event(run, task_run_id, kind, second) for second, kind in ((0, "PENDING"), (1, "RUNNING")))
    completed = _task_event(run, task_run_id, "COMPLETED", 2, total_run_time=1.5)
    rest.post("/events", [completed, running, running])
    rest.post("/events", [completed, pending])
    task = rest.read(f"/task_runs/{task_run_id}")
    assert (task["state_type"], task["run_count"], task["total_run_time"], task["tags"]) == ("COMPLETED", 2, 1.5, ["x"])
    assert (task["flow_run_id"], task["state_id"]) == (run["id"], completed["id"])
    names = [state["name"] for state in rest.read("/task_run_states/", task_run_id=task_run_id)]
    assert names == ["Pending", "Running", "Completed"]


def test_task_events_of_unknown_runs_and_malformed_ones_do_no_harm(rest: Rest) -> None:
    """The events are stored; a task run without its flow run stands alone, a malformed one is none."""
    task_run_id = str(uuid.uuid4())
    stray = _task_event({"id": str(uuid.uuid4())}, task_run_id, "RUNNING", 1)
    broken = _task_event(rest.run(), str(uuid.uuid4()), "RUNNING", 1) | {"payload": {"task_run": "none"}}
    assert rest.post("/events", [broken, stray]).status_code == 204
    assert rest.read(f"/task_runs/{task_run_id}")["flow_run_id"] is None


def test_the_server_tells_who_comes_ready(rest: Rest) -> None:
    """A worker, its pool, the queue and the deployment that it asks for each have an event of their own."""
    pool = rest.pool()
    deployment = rest.deployment(work_pool_name=pool["name"])
    rest.post(f"/work_pools/{pool['name']}/workers/heartbeat", name=fresh("worker"))
    rest.post(f"/work_pools/{pool['name']}/get_scheduled_flow_runs")
    ids = {
        f"prefect.work-pool.{pool['id']}": "prefect.work-pool.ready",
        f"prefect.work-queue.{pool['default_queue_id']}": "prefect.work-queue.ready",
        f"prefect.deployment.{deployment['id']}": "prefect.deployment.ready",
    }

    def told() -> bool:
        events = _found(rest, resource={"id": list(ids)}, event={"name": list(ids.values())})
        return {event["resource"]["prefect.resource.id"]: event["event"] for event in events} == ids

    rest.until(told, "all three have been told of")
    assert _found(rest, event={"name": ["prefect.worker.online"]})
    first = _found(rest, resource={"id": [f"prefect.deployment.{deployment['id']}"]}, order="ASC")[0]
    assert first["event"] == "prefect.deployment.created"
