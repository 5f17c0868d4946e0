"""Which route a request is for, found by its noun.

FastAPI tries its routes one after the other, each a regular expression, those of nested routers several times over: with the 150 routes of
the contract that costs more than most requests do. So the routes are laid out flat, and a request is shown only to those of its noun.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, NoReturn

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from flowhand_server.routes.context import reply
from flowhand_server.routes.json_body import JsonRoute

_VERSION: Final = re.compile(rb"^\d+\.\d+\.\d+$")
VERSION_HEADER: Final = b"x-prefect-api-version"
_CHOSEN: Final = "flowhand.route"


def is_welcome(version: bytes) -> bool:
    """Whether a client of this API version is heard: one of any, or that says none."""
    return not version or _VERSION.match(version) is not None


class Switchboard(BaseRoute):
    """Hands a request to the first route of its noun that fits. Asks nothing of requests for other nouns."""

    def __init__(self, prefix: str, routes: Iterable[APIRoute | APIWebSocketRoute]) -> None:
        self._start = len(prefix) + 1
        self._prefix = prefix + "/"
        self._by_noun: dict[str, list[APIRoute | APIWebSocketRoute]] = {}
        for route in routes:
            self._by_noun.setdefault(self._noun(route.path), []).append(route)

    def _noun(self, path: str) -> str:
        return path[self._start :].partition("/")[0]

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """The route that fits best, remembered for `handle`."""
        if scope["type"] not in ("http", "websocket") or not scope["path"].startswith(self._prefix):
            return Match.NONE, {}
        best: tuple[Match, Scope] = (Match.NONE, {})
        for route in self._by_noun.get(self._noun(scope["path"]), ()):
            match, child = route.matches(scope)
            if match is Match.FULL:
                return match, {**child, _CHOSEN: route}
            if match is Match.PARTIAL and best[0] is Match.NONE:
                best = (match, {**child, _CHOSEN: route})
        return best

    def url_path_for(self, name: str, /, **path_params: object) -> NoReturn:
        """Has no address of its own; the laid-out routes are asked next."""
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Has the chosen route answer. Any API version of the form x.y.z is welcome, anything else is 400 (contract 1.1)."""
        version = next((value for name, value in scope["headers"] if name == VERSION_HEADER), b"")
        if not is_welcome(version):
            detail = f"Invalid X-PREFECT-API-VERSION header format. Expected x.y.z, got {version[:32].decode('latin-1')!r}."
            await reply({"detail": detail}, 400)(scope, receive, send)
            return
        await scope[_CHOSEN].handle(scope, receive, send)


def lay_out(app: FastAPI, prefix: str, routers: Sequence[APIRouter]) -> None:
    """Puts the routes of `routers` into the application, flat under `prefix`, behind a switchboard."""
    first = len(app.router.routes)
    app.router.route_class = JsonRoute
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                app.router.add_api_route(
                    prefix + route.path,
                    route.endpoint,
                    methods=list(route.methods or ()),
                    status_code=route.status_code,
                    responses=route.responses,
                    response_class=route.response_class,
                    tags=route.tags,
                    name=route.name,
                    include_in_schema=route.include_in_schema,
                )
            elif isinstance(route, APIWebSocketRoute):
                app.router.add_api_websocket_route(prefix + route.path, route.endpoint, name=route.name)
    laid = [route for route in app.router.routes[first:] if isinstance(route, APIRoute | APIWebSocketRoute)]
    app.router.routes.insert(first, Switchboard(prefix, laid))
