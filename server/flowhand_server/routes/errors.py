"""Errors as the contract shows them, in their two shapes (contract 1)."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError

from flowhand_server.routes.context import reply
from flowhand_server.store.errors import Conflict, NotFound, Refused, StoreUnavailable
from flowhand_server.store.postgresql_errors import in_words

_TOLD: Final = ("type", "loc", "msg", "input", "ctx")
"""What is said of each thing that is wrong with a request."""


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
    body = error.body if isinstance(error.body, dict | list) else None
    detail = [{name: entry[name] for name in _TOLD if name in entry} for entry in error.errors()]
    form = {"exception_message": "Invalid request received.", "exception_detail": detail, "request_body": body}
    return reply(jsonable_encoder(form, custom_encoder={bytes: lambda raw: raw.decode(errors="replace")}), 422)


async def _not_found(request: Request, error: Any) -> Response:
    path = request.url.path
    if path.endswith(_TOLD_AS_EXCEPTION) or "/automations" in path:
        return reply({"exception_message": error.detail}, 404)
    return reply({"detail": error.detail}, 404)


_TOLD_AS_EXCEPTION: Final = ("/set_state", "/labels", "/graph", "/graph-v2")
"""Ends of the paths whose 404 has the shape of what went wrong inside."""


async def _conflict(request: Request, error: Any) -> Response:
    return reply({"detail": error.detail}, 409)


async def _refused(request: Request, error: Any) -> Response:
    return reply({"detail": error.detail}, error.status)


async def _not_storable(request: Request, error: Any) -> Response:
    """A value of the right type that no database or calendar has room for: a number beyond 64 bits, the year 10000, a NUL."""
    return reply({"detail": f"A value is out of range: {in_words(error)}"}, 422)


async def _unavailable(request: Request, error: Any) -> Response:
    return reply({"exception_message": "Service Unavailable", "exception_detail": str(error)}, 503)
