"""Errors as the contract shows them, in their two shapes (contract 1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError

from flowhand_server.routes.context import reply
from flowhand_server.store.errors import Conflict, NotFound, Refused, StoreUnavailable
from flowhand_server.store.postgresql_errors import in_words

_TOLD: Final = ("type", "loc", "msg", "input", "ctx")
"""What is said of each thing that is wrong with a request."""
_MOST: Final = 100
"""Things that are wrong with a request that are told."""
_SHORT: Final = 300
"""Bytes that a part of a request may have as JSON to be shown beside what is wrong with it."""
_SECRET: Final = "/block_documents"
"""In the paths whose bodies hold secrets: nothing of them is shown."""
_TOLD_AS_EXCEPTION: Final = ("/set_state", "/labels", "/graph", "/graph-v2")
"""Ends of the paths whose 404 has the shape of what went wrong inside."""


def install_error_forms(app: FastAPI) -> None:
    """Has the errors of the store and of validation answered as the contract shows them."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(NotFound, _not_found)
    app.add_exception_handler(Conflict, _conflict)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(StoreUnavailable, _unavailable)
    app.add_exception_handler(DataError, _not_storable)
    app.add_exception_handler(OverflowError, _not_storable)


async def _invalid(request: Request, error: Any) -> Response:
    detail = [{name: entry[name] for name in _TOLD if name in entry} for entry in error.errors()[:_MOST]]
    form: dict[str, Any] = {"exception_message": "Invalid request received.", "exception_detail": detail}
    if _SECRET in request.url.path:
        _leave_out(detail, lambda _: True)
    else:
        _leave_out(detail, _too_long())
        form["request_body"] = error.body if isinstance(error.body, dict | list) else None
    return Response(_as_json(form), 422, media_type="application/json")


def _leave_out(detail: list[dict[str, Any]], unwanted: Callable[[Any], bool]) -> None:
    for entry in detail:
        if "input" in entry and unwanted(entry["input"]):
            del entry["input"]


def _too_long() -> Callable[[Any], bool]:
    """Whether a part of a request is too long to be shown: looked at once, since a whole body stands beside each field that it lacks."""
    known: dict[int, bool] = {}

    def is_too_long(part: Any) -> bool:
        if id(part) not in known:
            known[id(part)] = len(_as_json(part)) > _SHORT
        return known[id(part)]

    return is_too_long


def _as_json(value: Any) -> bytes:
    return orjson.dumps(value, _in_json, orjson.OPT_NON_STR_KEYS)


def _in_json(value: Any) -> Any:
    """What JSON has no form for: a body that is none, and the errors of validators, whose words are told as `msg`."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return {} if isinstance(value, Exception) else str(value)


async def _not_found(request: Request, error: Any) -> Response:
    path = request.url.path
    if path.endswith(_TOLD_AS_EXCEPTION) or "/automations" in path:
        return reply({"exception_message": error.detail}, 404)
    return reply({"detail": error.detail}, 404)


async def _conflict(request: Request, error: Any) -> Response:
    return reply({"detail": error.detail}, 409)


async def _refused(request: Request, error: Any) -> Response:
    return reply({"detail": error.detail}, error.status)


async def _not_storable(request: Request, error: Any) -> Response:
    """A value of the right type that no database or calendar has room for: a number beyond 64 bits, the year 10000, a NUL."""
    return reply({"detail": f"A value is out of range: {in_words(error)}"}, 422)


async def _unavailable(request: Request, error: Any) -> Response:
    return reply({"exception_message": "Service Unavailable", "exception_detail": str(error)}, 503)
