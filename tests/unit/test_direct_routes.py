"""Requests that are answered without FastAPI are answered as FastAPI would, and are the same route's."""

from __future__ import annotations

import functools
import json
import uuid
from types import SimpleNamespace
from typing import Any, Final

import pytest
from fastapi import FastAPI, Response
from starlette.types import ASGIApp, Message, Scope

from flowhand_server.access.size import MAX_BODY, Bounded
from flowhand_server.routes.api import add_api
from flowhand_server.routes.context import StoreDep, reply
from flowhand_server.routes.direct import Direct
from flowhand_server.routes.errors import install_error_forms
from flowhand_server.store.errors import Conflict, NotFound, StoreUnavailable

RUN: Final = str(uuid.uuid4())
Answer = tuple[int, dict[bytes, bytes], bytes]


class Echo:
    """A store that says what it was asked, or raises."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    async def read(self, asked: Any, *args: Any) -> Any:
        if self._error:
            raise self._error
        return [asked.__name__, *map(repr, args)]

    write = read


@functools.cache
def _contract() -> FastAPI:
    app = FastAPI(openapi_url=None, strict_content_type=False)
    app.state.clock = SimpleNamespace(now_us=lambda: 7)
    install_error_forms(app)
    add_api(app)
    return app


def contract(error: Exception | None = None) -> FastAPI:
    """All routes of the contract, over a store that fails so."""
    app = _contract()
    app.state.store = Echo(error)
    return app


async def ask(app: ASGIApp, method: str, path: str, *chunks: bytes, **headers: str) -> Answer:
    """The answer. A header that is given several values, one to a line, is sent once for each."""
    heads = [(name.replace("_", "-").encode(), value.encode()) for name, values in headers.items() for value in values.splitlines()]
    scope: Scope = {"type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode(), "root_path": ""}
    scope |= {"scheme": "http", "query_string": b"", "headers": heads, "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1)}
    whole = chunks or (b"",)
    coming = [{"type": "http.request", "body": chunk, "more_body": place + 1 < len(whole)} for place, chunk in enumerate(whole)]
    sent: list[Message] = []

    async def receive() -> Message:
        return coming.pop(0) if coming else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, Bounded(receive), send)
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(message.get("body", b"") for message in sent)


JSON: Final = {"content_type": "application/json"}
REQUESTS: Final[dict[str, tuple[tuple[Any, ...], dict[str, str]]]] = {
    "a body": (("POST", "/api/flow_runs/filter", b'{"limit": 3}'), JSON),
    "a body in parts": (("POST", "/api/flow_runs/filter", b'{"lim', b'it": 3}'), JSON),
    "a list": (("POST", "/api/logs/", b"[]"), JSON),
    "an id": (("GET", f"/api/flow_runs/{RUN}"), {}),
    "a body that may be left out": (("POST", f"/api/v2/concurrency_limits/leases/{RUN}/renew"), {}),
    "another type of JSON": (("POST", "/api/flow_runs/filter", b'{"limit": 3}'), {"content_type": "application/json; charset=utf-8"}),
    "no type": (("POST", "/api/flow_runs/filter", b'{"limit": 3}'), {}),
    "no body": (("POST", "/api/flow_runs/filter"), JSON),
    "no JSON": (("POST", "/api/flow_runs/filter", b'{"limit": '), JSON),
    "a number without end": (("POST", "/api/flow_runs/filter", b'{"limit": %s}' % (b"9" * 40)), JSON),
    "a wrong type": (("POST", "/api/flow_runs/filter", b'{"limit": "x", "sort": 1}'), JSON),
    "a limit too high": (("POST", "/api/flow_runs/filter", b'{"limit": 5000}'), JSON),
    "no such path": (("POST", "/api/flow_runs/nothing/at/all"), JSON),
    "no such method": (("PUT", "/api/flow_runs/filter"), JSON),
    "no id": (("GET", "/api/flow_runs/one"), {}),
    "a slash too many": (("POST", "/api/flow_runs/filter/", b"{}"), JSON),
    "a version that is none": (("GET", f"/api/flow_runs/{RUN}"), {"x_prefect_api_version": "new"}),
    "a version that is none, then one": (("GET", f"/api/flow_runs/{RUN}"), {"x_prefect_api_version": "new\n0.8.4"}),
    "two types": (("POST", "/api/flow_runs/filter", b"{}"), {"content_type": "text/plain\napplication/json"}),
    "too large": (("POST", "/api/flow_runs/filter", b" " * MAX_BODY, b"{}"), JSON),
    "a parameter of the query": (("GET", "/api/flow_run_states/"), {}),
    "an old client": (("POST", f"/api/flow_runs/{RUN}/history", b'{"state": {"id": "x"}}'), JSON | {"user_agent": "prefect/2.20.0"}),
}


@pytest.mark.anyio
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=list(REQUESTS))
async def test_the_answer_is_the_one_of_fastapi(request_: tuple[tuple[Any, ...], dict[str, str]]) -> None:
    """Good or bad, and whoever gives it."""
    app = contract()
    asked, headers = request_
    assert await ask(Direct(app), *asked, **headers) == await ask(app, *asked, **headers)


@pytest.mark.anyio
@pytest.mark.parametrize("error", [NotFound("not there"), Conflict("there"), StoreUnavailable("gone"), OverflowError("too much")])
async def test_an_error_of_the_store_is_told_as_fastapi_would(error: Exception) -> None:
    app = contract(error)
    told = await ask(Direct(app), "GET", f"/api/flow_runs/{RUN}")
    assert told == await ask(app, "GET", f"/api/flow_runs/{RUN}")
    assert told[0] in {404, 409, 503, 422}


@pytest.mark.anyio
async def test_an_error_that_nobody_knows_is_raised() -> None:
    """The web server tells of it and answers 500."""
    with pytest.raises(ZeroDivisionError):
        await ask(Direct(contract(ZeroDivisionError())), "GET", f"/api/flow_runs/{RUN}")


def test_what_is_asked_often_is_answered_so() -> None:
    """What is left to FastAPI is what has a query, or asks for more than the store and the time."""
    left = set(Direct(contract()).left_over)
    often = {"filter", "{flow_run_id:uuid}", "{flow_run_id:uuid}/set_state", "count"}
    assert not left & {f"{method} /api/flow_runs/{path}" for method in ("GET", "POST") for path in often}
    assert not {path for path in left if "logs" in path or "create_flow_run" in path or "get_scheduled" in path}
    assert len(left) < 30


@pytest.mark.anyio
async def test_the_first_route_that_fits_is_asked() -> None:
    """Fixed paths are not looked for among the others, but one that stands behind another is still behind it."""
    app = FastAPI(openapi_url=None, strict_content_type=False)
    app.state.store = Echo()

    def add(path: str, name: str) -> None:
        async def endpoint(store: StoreDep) -> Response:
            return reply([name, type(store).__name__])

        app.add_api_route(path, endpoint, methods=["GET"])

    for path in ("/api/things/before", "/api/things/{name}/parts", "/api/things/after"):
        add(path, path)

    @app.get("/api/things/{name}")
    async def named(name: str, store: StoreDep) -> Response:
        return reply(["named", name])

    add("/api/things/shadowed", "never")
    direct = Direct(app)
    said = {path: json.loads((await ask(direct, "GET", f"/api/things/{path}"))[2]) for path in ("before", "x/parts", "after", "shadowed")}
    assert said == {path: json.loads((await ask(app, "GET", f"/api/things/{path}"))[2]) for path in said}
    assert said["shadowed"] == ["named", "shadowed"]
    assert direct.left_over == []
