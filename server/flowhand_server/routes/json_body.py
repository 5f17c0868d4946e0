"""Bodies as JSON that can also be stored and answered: nothing that JSON does not know, no number beyond 64 bits, not nested without end.

The standard parser would let NaN, half surrogates and numbers of any size in, and the first that writes them out again would fail. It is
slower as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Coroutine
from typing import Any, Final

import orjson
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Scope

from flowhand.wire.body import Query
from flowhand_server.routes.legacy import adapted, is_legacy

_LONG_NUMBER: Final = re.compile(rb"\d{19}")
"""What may be beyond 64 bits: worth a closer look, by a slower parser."""
_MANY: Final = 250
"""Openings of lists and objects that may nest deeper than what can be written (orjson: 254)."""
_NOTHING: Final = (b"", b"null")


class JsonRequest(Request):
    """A request whose `json()` is strict. json.JSONDecodeError for what it refuses."""

    async def json(self) -> Any:
        value = strict_json(await self.body())
        return adapted(value) if is_legacy(self.headers.get("user-agent", "")) else value


class JsonRoute(APIRoute):
    """A route that reads its body so. One whose body only says what is looked for takes none, or null, for one that says nothing."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        kinds = [each.field_info.annotation for each in self.dependant.body_params]
        reads = any(isinstance(kind, type) and issubclass(kind, Query) for kind in kinds)

        async def handle(request: Request) -> Response:
            asked = JsonRequest(request.scope, request.receive)
            if reads and (await asked.body()).strip() in _NOTHING:
                asked = _saying_nothing(request.scope)
            return await handler(asked)

        return handle


def _saying_nothing(scope: Scope) -> JsonRequest:
    """The same request with an empty object for its body."""
    headers = [(name, value) for name, value in scope["headers"] if name not in (b"content-type", b"content-length")]

    async def receive() -> Message:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    return JsonRequest({**scope, "headers": [*headers, (b"content-type", b"application/json")]}, receive)


def strict_json(body: bytes) -> Any:
    """The value. json.JSONDecodeError, with where, for what cannot be read or could not be written again."""
    value = orjson.loads(body)
    if _LONG_NUMBER.search(body):
        json.loads(body, parse_int=_in_64_bits)
    if body.count(b"[") + body.count(b"{") > _MANY:
        try:
            orjson.dumps(value)
        except TypeError as error:
            raise json.JSONDecodeError(str(error), "", 0) from None
    return value


def _in_64_bits(digits: str) -> int:
    if len(digits) > 20 or not -(2**63) <= int(digits) < 2**64:
        raise json.JSONDecodeError("a number needs more than 64 bits", digits, 0)
    return int(digits)
