"""`/api/runner`: sessions, claims, reports. Plain Starlette routes: these are asked hundreds of times a second."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from flowhand.clock import SystemClock
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
from flowhand_server.config import ServerConfig
from flowhand_server.dispatch.claiming import Claims, ClientGone
from flowhand_server.dispatch.watching import Watches
from flowhand_server.store import sessions
from flowhand_server.store.errors import NotFound, StoreUnavailable
from flowhand_server.store.release import release
from flowhand_server.store.report import report
from flowhand_server.store.sessions import SessionRefused
from flowhand_server.store.status import database_of, read_status

_CLOCK: Final = SystemClock()
_SLACK: Final = 64_000
"""Bytes that a report may take beside its items."""
B = TypeVar("B", bound=BaseModel)


async def open_session(request: Request) -> Response:
    """`POST /session`."""
    body = await _body(request, SessionRequest)
    return _answer(await request.app.state.store.write(sessions.open_session, body, request.app.state.config, _CLOCK.now_us()))


async def claim(request: Request) -> Response:
    """`POST /claim`: waits."""
    body = await _body(request, ClaimRequest)
    claims: Claims = request.app.state.claims
    return await _while_connected(request, lambda gone: claims.answer(body, _secret(request), gone))


async def send_report(request: Request) -> Response:
    """`POST /report`."""
    body = await _body(request, ReportRequest, MAX_REPORT_BYTES + _SLACK)
    return _answer(await request.app.state.store.write(report, body, _secret(request), _CLOCK.now_us()))


async def hand_back(request: Request) -> Response:
    """`POST /release`."""
    body = await _body(request, ReleaseRequest)
    return _answer(await request.app.state.store.write(release, body, _secret(request), _CLOCK.now_us()))


async def close(request: Request) -> Response:
    """`POST /close`."""
    body = await _body(request, CloseRequest)
    await request.app.state.store.write(sessions.close_session, body.session, _secret(request))
    return Response(status_code=204)


async def watch(request: Request) -> Response:
    """`POST /watch`: waits."""
    body = await _body(request, WatchRequest)
    watches: Watches = request.app.state.watches
    return await _while_connected(request, lambda gone: watches.answer(body, gone))


async def status(request: Request) -> Response:
    """`GET /status`: the database, the open sessions, the leased runs."""
    config: ServerConfig = request.app.state.config
    found = await request.app.state.store.read(read_status)
    about = {"version": config.version, "database": database_of(config), **found}
    return Response(orjson.dumps(about), media_type="application/json")


def _guarded(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def guarded(request: Request) -> Response:
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
        except _TooLong:
            return _error(413, "too_large")
        except (ClientGone, ClientDisconnect):
            return Response(status_code=499)  # nobody reads it

    return guarded


routes: Final = [
    Route(f"/{path}", _guarded(endpoint), methods=["POST"])
    for path, endpoint in {
        "session": open_session,
        "claim": claim,
        "report": send_report,
        "release": hand_back,
        "close": close,
        "watch": watch,
    }.items()
]
routes.append(Route("/status", _guarded(status), methods=["GET"]))


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
    return Response(orjson.dumps({"detail": detail}), status, media_type="application/json")


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
