"""Requests that are answered without FastAPI.

FastAPI looks at each request through layers that could do far more than our routes ask for; a third of what a small request costs is
spent there. Nearly all routes ask for the same few things: names and ids of the path, a body, the store, the time. Those are given here.
Whatever else a route asks for, and whatever is wrong with a request, is FastAPI's: it is shown the same request, and says what it
would have said. So nothing about errors is written down twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.convertors import Convertor, PathConvertor
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from flowhand_server.routes.call import Call, call_of
from flowhand_server.routes.json_body import JsonRequest
from flowhand_server.routes.switchboard import VERSION_HEADER, is_welcome


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a route is found among those of the same shape."""

    pattern: re.Pattern[str]
    convertors: Mapping[str, Convertor[Any]]
    call: Call | None

    def find(self, path: str) -> dict[str, Any] | None:
        """The parameters of the path; None when it is another route's."""
        match = self.pattern.match(path)
        return None if match is None else {name: self.convertors[name].convert(text) for name, text in match.groupdict().items()}


_Shape = tuple[str, str, int]
"""Method, noun and the number of the path's segments."""


class Direct:
    """An ASGI application before `app`, which is asked where this one does not know the answer.

    A request is shown to the routes of its shape in the order that they have in `app`, and is the first one's that fits, as there.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._handlers: Mapping[Any, Any] = app.exception_handlers
        self._known: tuple[type[Exception], ...] = tuple(kind for kind in self._handlers if isinstance(kind, type))
        self._places: dict[_Shape, list[_Place]] = {}
        self._fixed: dict[tuple[str, str], Call] = {}
        self.left_over: list[str] = []
        """Method and path of what is left to `app`."""
        self._lay_out([route for route in app.router.routes if isinstance(route, APIRoute)])

    def _lay_out(self, routes: Sequence[APIRoute]) -> None:
        anyhow = {_noun(route.path) for route in routes if any(isinstance(each, PathConvertor) for each in route.param_convertors.values())}
        for route in routes:
            call = None if _noun(route.path) in anyhow else call_of(route)
            for method in route.methods or ():
                if call is None:
                    self.left_over.append(f"{method} {route.path}")
                before = self._places.setdefault((method, _noun(route.path), route.path.count("/")), [])
                if call is not None and not route.param_convertors and not any(each.find(route.path) for each in before):
                    self._fixed.setdefault((method, route.path), call)
                before.append(_Place(route.path_regex, route.param_convertors, call))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._find(scope) if scope["type"] == "http" and not scope.get("root_path") else None
        headers: dict[bytes, bytes] = dict(reversed(scope["headers"])) if found else {}  # of two the first counts, as for FastAPI
        if found is None or not is_welcome(headers.get(VERSION_HEADER, b"")):
            await self._app(scope, receive, send)
            return
        scope["app"] = self._app
        await self._answer(*found, headers, JsonRequest(scope, receive), send)

    def _find(self, scope: Scope) -> tuple[Call, dict[str, Any]] | None:
        method, path = scope["method"], scope["path"]
        call = self._fixed.get((method, path))
        if call is not None:
            return call, {}
        for place in self._places.get((method, _noun(path), path.count("/")), ()):
            found = place.find(path)
            if found is not None:
                return None if place.call is None else (place.call, found)
        return None

    async def _answer(self, call: Call, found: dict[str, Any], headers: dict[bytes, bytes], request: Request, send: Send) -> None:
        try:
            given = await call.arguments(request, headers, found)
            if given is None:
                await self._app(request.scope, _again(await request.body(), request.receive), send)
                return
            answer: Response = await call.endpoint(**given)
        except ClientDisconnect:
            return  # nobody reads an answer
        except self._known as error:
            answer = await self._told(request, error)
        await answer(request.scope, request.receive, send)

    async def _told(self, request: Request, error: Exception) -> Response:
        """What `app` answers to an error that it knows."""
        handler: Any = next(self._handlers[kind] for kind in type(error).__mro__ if kind in self._handlers)
        return await handler(request, error)


def _noun(path: str) -> str:
    return path.split("/", 3)[2] if path.count("/") > 1 else ""


def _again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that begins with a body that was read already."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return messages.pop() if messages else await receive()

    return next_message
