"""What the routes of the REST contract share: the store, the time, answers as JSON, and the 200-row rule."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable
from typing import Annotated, Any

import orjson
from fastapi import Depends, Header, HTTPException, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.requests import HTTPConnection

from flowhand.wire.body import DEFAULT_LIMIT
from flowhand.wire.filters import Page, Window
from flowhand_server.store.store import Store


async def store_of(connection: HTTPConnection) -> Store:
    """The server's store. Like every dependency here it is a coroutine: FastAPI sends plain functions to a thread, at 0.2 ms each."""
    return connection.app.state.store


def now_us(connection: HTTPConnection) -> int:
    """The server's time: microseconds since the epoch, UTC."""
    return connection.app.state.clock.now_us()


async def request_time(connection: HTTPConnection) -> int:
    """The time of the request, as a dependency."""
    return now_us(connection)


StoreDep = Annotated[Store, Depends(store_of)]
Now = Annotated[int, Depends(request_time)]
UserAgent = Annotated[str, Header(include_in_schema=False)]
"""Which program asks, for a parameter `user_agent`: see `client_release`."""
Key = uuid.UUID
"""An id in a path declared as `{id:uuid}`: a segment that is none makes the route not match, hence 404 (contract 1)."""


def reply(content: Any, status: int = 200) -> Response:
    """`content` as JSON."""
    body = orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS)
    return Response(body, status, media_type="application/json")


def created(form: Any, new: bool) -> Response:
    """201 with what was made, 200 with what was there."""
    return reply(form, 201 if new else 200)


def nothing() -> Response:
    """204."""
    return Response(status_code=204)


def invalid(body: BaseModel, reason: str) -> RequestValidationError:
    """What to raise when a body does not hold together, though each of its fields is right: 422 in the shape of validation."""
    told = body.model_dump(mode="json", exclude_unset=True)
    return RequestValidationError([{"type": "value_error", "loc": ("body",), "msg": f"Value error, {reason}", "input": told}], body=told)


def check_limit(limit: int | None) -> int:
    """The number of rows to answer. 422 when more are asked for than there may be (contract 1)."""
    if limit is None:
        return DEFAULT_LIMIT
    if limit > DEFAULT_LIMIT:
        raise HTTPException(422, f"Invalid limit: must be less than or equal to {DEFAULT_LIMIT}.")
    if limit < 0:
        raise HTTPException(422, "Invalid limit: must be greater than or equal to 0.")
    return limit


async def page_reply(page: Page, query: Window, results: Awaitable[list[Any]], counted: Awaitable[int]) -> Response:
    """What `/paginate` answers."""
    rows, count, limit = await results, await counted, check_limit(query.limit)
    return reply({"results": rows, "count": count, "limit": limit, "pages": -(-count // limit) if limit else 0, "page": page.page})


def shows(model: Any, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """What a route answers, for the API's own description; answers are written by hand, not through the model."""
    return {status: {"model": model}}


def shows_created(model: Any) -> dict[int | str, dict[str, Any]]:
    """What a route answers that makes a thing or finds it."""
    return {201: {"model": model}, 200: {"model": model}}
