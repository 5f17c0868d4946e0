"""`/api/runner`: sessions, claims, reports. Found by one look into a table: these are asked hundreds of times a second."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from flowhand.clock import Clock
from flowhand.wire.runner import (
    MAX_REPORT_BYTES,
    SECRET_HEADER,
    ClaimRequest,
    CloseRequest,
    ReleaseRequest,
    ReportRequest,
    SessionRequest,
    WatchRequest,
)
from flowhand_server.access.size import TooLarge
from flowhand_server.config import ServerConfig
from flowhand_server.dispatch.claiming import Claims, ClientGone
from flowhand_server.dispatch.watching import Watches
from flowhand_server.routes.context import reply
from flowhand_server.store import sessions
from flowhand_server.store.errors import NotFound, StoreUnavailable
from flowhand_server.store.release import release
from flowhand_server.store.report import report
from flowhand_server.store.sessions import SessionRefused
from flowhand_server.store.status import database_of, read_status
from flowhand_server.store.store import Store
from flowhand_server.store.unleased_slots import unleased_slots

_SLACK: Final = 64_000
"""Bytes that a report may take beside its items."""
PREFIX: Final = "/api/runner/"
B = TypeVar("B", bound=BaseModel)
Endpoint = Callable[[Request], Awaitable[Response]]


class RunnerApi:
    """The ASGI application of all paths below `/api/runner/`."""

    def __init__(self, store: Store, config: ServerConfig, clock: Clock, claims: Claims, watches: Watches) -> None:
        self._store = store
        self._config = config
        self._clock = clock
        self._claims = claims
        self._watches = watches
        self._endpoints: dict[str, Endpoint] = {
            "session": self._open_session,
            "claim": self._claim,
            "report": self._report,
            "release": self._release,
            "close": self._close,
            "watch": self._watch,
            "status": self._status,
            "slots": self._slots,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._endpoints.get(scope["path"].removeprefix(PREFIX))
        if endpoint is None or scope["type"] != "http":
            answer = _error(404, "Not Found")
        elif scope["method"] != "POST":
            answer = _error(405, "Method Not Allowed")
        else:
            answer = await _answered(endpoint, Request(scope, receive, send))
        await answer(scope, receive, send)

    async def _open_session(self, request: Request) -> Response:
        body = await _body(request, SessionRequest)
        return _answer(await self._store.write(sessions.open_session, body, self._config, self._clock.now_us()))

    async def _claim(self, request: Request) -> Response:
        body, secret = await _body(request, ClaimRequest), _secret(request)
        return await _while_connected(request, lambda gone: self._claims.answer(body, secret, gone))

    async def _report(self, request: Request) -> Response:
        body = await _body(request, ReportRequest, MAX_REPORT_BYTES + _SLACK)
        return _answer(await self._store.write(report, body, _secret(request), self._clock.now_us()))

    async def _release(self, request: Request) -> Response:
        body = await _body(request, ReleaseRequest)
        return _answer(await self._store.write(release, body, _secret(request), self._clock.now_us()))

    async def _close(self, request: Request) -> Response:
        body = await _body(request, CloseRequest)
        await self._store.write(sessions.close_session, body.session, _secret(request), self._clock.now_us())
        return Response(status_code=204)

    async def _watch(self, request: Request) -> Response:
        body = await _body(request, WatchRequest)
        return await _while_connected(request, lambda gone: self._watches.answer(body, gone))

    async def _status(self, _: Request) -> Response:
        found = await self._store.read(read_status)
        about = {"version": self._config.version, "database": database_of(self._config), **found}
        return reply(about)

    async def _slots(self, _: Request) -> Response:
        return reply(await self._store.read(unleased_slots))


async def _answered(endpoint: Endpoint, request: Request) -> Response:
    """The endpoint's answer, or its error as one."""
    try:
        return await endpoint(request)
    except SessionRefused as error:
        return _error(409, str(error))
    except NotFound as error:
        return _error(404, error.detail)
    except StoreUnavailable as error:
        return _error(503, str(error))
    except ValidationError as error:
        return _error(422, "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False)[:5]))
    except (_TooLong, TooLarge):
        return _error(413, "too_large")
    except (ClientGone, ClientDisconnect):
        return Response(status_code=499)  # nobody reads it


class _TooLong(Exception):
    """The body is larger than it may be."""


async def _body(request: Request, model: type[B], limit: int = MAX_REPORT_BYTES) -> B:
    body = await request.body()
    if len(body) > limit:
        raise _TooLong
    return model.model_validate_json(body)


def _secret(request: Request) -> str:
    return request.headers.get(SECRET_HEADER, "")


def _answer(model: BaseModel) -> Response:
    return Response(model.__pydantic_serializer__.to_json(model), media_type="application/json")


def _error(status: int, detail: str) -> Response:
    return reply({"detail": detail}, status)


async def _while_connected(request: Request, answer: Callable[[asyncio.Future[None]], Awaitable[BaseModel]]) -> Response:
    """Waits for the answer as long as the client does."""
    gone = asyncio.ensure_future(_disconnection(request))
    try:
        return _answer(await answer(gone))
    finally:
        gone.cancel()


async def _disconnection(request: Request) -> None:
    """Ends when the client has hung up (ASGI: after the body, `receive` has nothing but that to say)."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
