"""Both clients and the native backend over real connections."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from flowhand.backends.native import NativeBackend
from flowhand.client import deployments, flow_runs, flows, logs, work_pools
from flowhand.client.address import Address
from flowhand.client.api import ApiClient, SyncApiClient
from flowhand.client.call import Call, Errand
from flowhand.client.watching import Watch, until_ended
from flowhand.errors import ApiRefused, ApiUnavailable, ObjectNotFound
from flowhand.wire.runner import SECRET_HEADER, ClaimRequest, SessionReply, SessionRequest
from support.scripted_api import Asked, Say, ScriptedApi, in_order, scripted_api

RUN_ID = "0194c2a0-0000-7000-8000-000000000001"


def sync_send(address: Address, call: Call[Any]) -> Any:
    with SyncApiClient(address) as client:
        return client.send(call)


def async_send(address: Address, call: Call[Any]) -> Any:
    async def go() -> Any:
        async with ApiClient(address) as client:
            return await client.send(call)

    return anyio.run(go)


Send = Callable[[Address, Call[Any]], Any]
both = pytest.mark.parametrize("send", [sync_send, async_send])


@both
def test_a_call_arrives_as_it_was_meant(send: Send) -> None:
    """Method, quoted path, body, credentials and the headers of contract 1.1."""
    with scripted_api(lambda _: Say(200, {"id": "1"})) as api:
        assert send(Address(api.url, "Bearer k"), deployments.read_by_name("a b/c", "ü%")) == {"id": "1"}
    asked = api.asked[0]
    assert (asked.method, asked.path) == ("GET", "/api/deployments/name/a%20b%2Fc/%C3%BC%25")
    assert asked.headers["authorization"] == "Bearer k"
    assert asked.headers["x-prefect-api-version"] == "0.8.4"
    assert asked.headers["user-agent"].startswith("prefect/3.9.1 (API 0.8.4) flowhand/")


@both
def test_a_busy_server_is_asked_until_it_answers(send: Send) -> None:
    """503 and a connection that is cut in the middle are both survived."""
    with scripted_api(in_order(Say(503), Say(hang_up=True), Say(200, {"id": "1"}))) as api:
        assert send(Address(api.url), flows.read("1")) == {"id": "1"}
    assert len(api.asked) == 3


@both
def test_a_create_is_not_sent_twice(send: Send) -> None:
    """A create whose answer is lost is told as such; with an idempotency key it is sent again."""
    with scripted_api(in_order(Say(hang_up=True), Say(201, {"id": "1"}))) as api, pytest.raises(ApiUnavailable):
        send(Address(api.url), deployments.create_run("d", {}))
    assert len(api.asked) == 1
    with scripted_api(in_order(Say(hang_up=True), Say(201, {"id": "1"}))) as api:
        assert send(Address(api.url), deployments.create_run("d", {"idempotency_key": "k"})) == {"id": "1"}


@both
def test_a_server_with_csrf_protection_is_satisfied(send: Send) -> None:
    """The token is fetched when a 403 asks for it, then sent (contract 1.1)."""

    def script(asked: Asked) -> Say:
        if asked.path.startswith("/api/csrf-token?client="):
            return Say(200, {"token": "t"})
        return Say(201, {"id": "1"}) if asked.headers.get("prefect-csrf-token") == "t" else Say(403, {"detail": "Missing CSRF token."})

    with scripted_api(script) as api:
        assert send(Address(api.url), flows.create("f")) == {"id": "1"}
    assert [asked.method for asked in api.asked] == ["POST", "GET", "POST"]


@both
def test_nobody_listens(send: Send) -> None:
    """A refused connection is told at once, with the URL and what to do."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/api"
        with pytest.raises(ApiUnavailable, match=rf"{url}.*flowhand server start"):
            send(Address(url), flows.read("1"))


def test_a_patient_client_waits_for_an_api_that_is_not_up_yet() -> None:
    """Told why it waits, it finds the API as soon as it listens, although nothing answered at first."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told: list[str] = []
    with contextlib.ExitStack() as up, SyncApiClient(Address(f"http://127.0.0.1:{port}/api")) as client:

        def on_retry(error: ApiUnavailable, _delay_s: float) -> None:
            told.append(str(error))
            if len(told) == 2:
                up.enter_context(scripted_api(lambda _: Say(200, {"id": "1"}), port))

        client.be_patient(on_retry)
        assert client.send(flows.read("1")) == {"id": "1"}
    assert "Connection refused" in told[0]


def run_sync(api: ScriptedApi, errand: Errand[Any]) -> Any:
    with SyncApiClient(Address(api.url)) as client:
        return client.run(errand)


def run_async(api: ScriptedApi, errand: Errand[Any]) -> Any:
    async def go() -> Any:
        async with ApiClient(Address(api.url)) as client:
            return await client.run(errand)

    return anyio.run(go)


Run = Callable[[ScriptedApi, Errand[Any]], Any]
both_run = pytest.mark.parametrize("run", [run_sync, run_async])


@both_run
def test_long_lists_are_read_page_by_page(run: Run) -> None:
    """450 rows take three requests of at most 200, with growing offsets."""

    def script(asked: Asked) -> Say:
        offset, limit = asked.body["offset"], asked.body["limit"]
        return Say(200, [{"id": n} for n in range(offset, min(450, offset + limit))])

    with scripted_api(script) as api:
        assert [row["id"] for row in run(api, work_pools.listed())] == list(range(450))
        assert len(api.asked) == 3
        assert len(run(api, logs.listed(RUN_ID, limit=250))) == 250


@both_run
def test_an_error_inside_an_errand_can_be_caught_there(run: Run) -> None:
    """What a call raises is raised where the errand yielded it."""

    def errand() -> Errand[str]:
        try:
            yield flows.read("gone")
        except ObjectNotFound:
            return "none"
        return "some"

    with scripted_api(lambda _: Say(404, {"detail": "Flow not found"})) as api:
        assert run(api, errand()) == "none"


def _foreign(asked: Asked) -> Say:
    """A server without our long poll, whose run ends between the first look and the second."""
    if asked.path == "/api/runner/watch":
        return Say(404, {"detail": "Not Found"})
    if asked.path == "/api/logs/filter":
        lines = [{"timestamp": "2026-01-31T09:00:00Z", "level": 20, "name": "x", "message": m} for m in ("one", "two")[: _foreign.looks]]
        return Say(200, lines)
    _foreign.looks += 1
    ended = _foreign.looks > 1
    return Say(
        200,
        {
            "id": RUN_ID,
            "name": "r",
            "state_id": f"s{ended}",
            "state_type": "COMPLETED" if ended else "RUNNING",
            "state_name": "Completed" if ended else "Running",
            "state": {"timestamp": "2026-01-31T09:00:00Z", "message": None},
        },
    )


@both_run
def test_a_run_is_watched_on_any_server(run: Run) -> None:
    """Without the long poll the watcher reads states and logs by the contract's own routes, each line once."""
    _foreign.looks = 0
    watch = Watch(RUN_ID)
    seen: list[str] = []

    def errand() -> Errand[str]:
        while True:
            reply = yield from watch.next(5.0, poll_s=0.01)
            seen.extend(line.message for line in reply.logs)
            if reply.terminal:
                return reply.state_name or ""

    with scripted_api(_foreign) as api:
        assert run(api, errand()) == "Completed"
    assert seen == ["one", "two"]


@both_run
def test_waiting_for_an_unknown_run_ends(run: Run) -> None:
    """Our own server's 404 about the run is not taken for a missing route."""
    with scripted_api(lambda _: Say(404, {"detail": "Flow run not found"})) as api, pytest.raises(ObjectNotFound, match=RUN_ID):
        run(api, until_ended(Watch(RUN_ID)))
    assert len(api.asked) == 1


def test_a_state_is_proposed_with_a_transition_id() -> None:
    """So a proposal whose answer was lost may be repeated (contract 1.2)."""
    body = flow_runs.set_state(RUN_ID, {"type": "CANCELLING"}).body
    assert body["state"]["state_details"]["transition_id"]


SESSION = SessionReply(session="s", secret="x1", server_id="i", version="1", lease_s=60, margin_s=10, grace_s=0, heartbeat_s=10)


@pytest.mark.anyio
async def test_the_backend_proves_its_session() -> None:
    """The secret of the session goes with later calls as a header, and all go over one connection."""

    def script(asked: Asked) -> Say:
        if asked.path.endswith("/session"):
            return Say(200, SESSION.model_dump())
        return Say(200, {"claim": 3, "unknown": 1}) if asked.headers.get(SECRET_HEADER) == "x1" else Say(409, {"detail": "superseded"})

    with scripted_api(script) as api:
        backend = NativeBackend(Address(api.url))
        await backend.open_session(SessionRequest(kind="worker", name="w", work_pool="p"))
        assert (await backend.claim(ClaimRequest(session="s", slots=1))).claim == 3
        await backend.close()
    assert api.connections == 1


@pytest.mark.anyio
async def test_the_backend_tells_what_ended_the_session() -> None:
    """A 409 keeps the server's word, by which the daemon decides; closing such a session is fine."""
    with scripted_api(lambda _: Say(409, {"detail": "superseded"})) as api:
        backend = NativeBackend(Address(api.url))
        with pytest.raises(ApiRefused) as caught:
            await backend.claim(ClaimRequest(session="s", slots=1))
        assert (caught.value.status, caught.value.detail) == (409, "superseded")
        await backend.close_session("s")
        await backend.close()


@pytest.mark.anyio
async def test_the_backend_finds_a_server_that_moved() -> None:
    """When nobody listens any more at an embedded server's port, the next try goes to where it is now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        gone = Address(f"http://127.0.0.1:{free.getsockname()[1]}/api", embedded=True)
        with scripted_api(lambda _: Say(200, {"id": "1", "claim": 1})) as api:
            backend = NativeBackend(gone, revive=lambda: Address(api.url, embedded=True))
            with pytest.raises(ApiUnavailable):
                await backend.claim(ClaimRequest(session="s", slots=1))
            assert (await backend.claim(ClaimRequest(session="s", slots=1))).claim == 1
            await backend.close()


@pytest.mark.anyio
async def test_an_unknown_pool_is_named() -> None:
    """A 404 to the session names the pool."""
    with scripted_api(lambda _: Say(404, {"detail": "nope"})) as api:
        backend = NativeBackend(Address(api.url))
        with pytest.raises(ObjectNotFound, match="work pool 'p' not found"):
            await backend.open_session(SessionRequest(kind="worker", name="w", work_pool="p"))
        await backend.close()


ASK = """
import anyio, sys
from flowhand.backends.native import NativeBackend
from flowhand.client import flows
from flowhand.client.address import Address
from flowhand.client.api import SyncApiClient
from flowhand.wire.runner import ClaimRequest

async def claim(address):
    backend = NativeBackend(address)
    await backend.claim(ClaimRequest(session="s", slots=1))
    await backend.close()

address = Address(sys.argv[1])
with SyncApiClient(address) as client:
    client.send(flows.read("1"))
anyio.run(claim, address)
"""


def ask(url: str, proxy: str) -> None:
    """One call of each kind, in a process whose environment names a proxy."""
    env = {**os.environ, "http_proxy": proxy, "HTTP_PROXY": proxy, "no_proxy": "", "NO_PROXY": ""}
    subprocess.run([sys.executable, "-c", ASK, url], env=env, check=True, timeout=60)


def test_a_proxy_of_the_environment_is_used_for_other_hosts() -> None:
    """Both the client and the backend go through it."""
    with scripted_api(lambda _: Say(200, {"id": "1", "claim": 1})) as proxy:
        ask("http://flowhand.invalid/api", f"http://127.0.0.1:{proxy.port}")
    assert [asked.path for asked in proxy.asked] == [
        "http://flowhand.invalid/api/flows/1",
        "http://flowhand.invalid/api/runner/claim",
    ]


def test_no_proxy_stands_between_us_and_this_machine() -> None:
    """The embedded server is reached directly, whatever the environment says."""
    with scripted_api(lambda _: Say(200, {"id": "1", "claim": 1})) as api:
        ask(api.url, "http://127.0.0.1:9")
    assert len(api.asked) == 2
