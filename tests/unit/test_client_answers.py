"""What an answer means, and what its line says."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from flowhand.client import server, work_pools
from flowhand.client.address import Address
from flowhand.client.answers import Answer, read_answer
from flowhand.client.call import Call, read_json
from flowhand.client.paging import filter_call
from flowhand.errors import (
    ApiError,
    ApiRefused,
    ApiUnavailable,
    ConfigurationError,
    FlowhandError,
    ObjectAlreadyExists,
    ObjectNotFound,
    Unauthorized,
)

HERE = Address("http://h:1/api", "Bearer s3cret-key")
CALL = Call("POST", "/work_pools/", read_json, about="work pool 'p'")


def read(status: int, body: Any = None, address: Address = HERE, **headers: str) -> Any:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return read_answer(CALL, Answer(status, {name.replace("_", "-"): text for name, text in headers.items()}, content), address)


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (404, {"detail": "Work pool not found"}, ObjectNotFound, "work pool 'p' not found"),
        (409, {"detail": "Already exists."}, ObjectAlreadyExists, "work pool 'p': Already exists."),
        (401, {"exception_message": "Unauthorized"}, Unauthorized, "refused the credentials"),
        (500, {"exception_message": "Internal"}, ApiUnavailable, "answered 500 to POST /work_pools/: Internal"),
        (503, b"<no json>", ApiUnavailable, "<no json>"),
        (400, {"detail": "no\nway"}, ApiRefused, "work pool 'p': no way"),
        (307, b"", ApiRefused, "final address"),
    ],
)
def test_each_status_has_its_error(status: int, body: Any, error: type[FlowhandError], words: str) -> None:
    """Statuses become the errors of flowhand.errors, each in one line."""
    with pytest.raises(error) as caught:
        read(status, body)
    assert type(caught.value) is error
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "s3cret-key" not in str(caught.value)


def test_a_refused_body_says_which_field() -> None:
    """The details of a 422 are told with the place of each."""
    detail = [{"loc": ["body", "name"], "msg": "Field required"}, {"loc": ["body", "limit"], "msg": "too small"}]
    with pytest.raises(ApiRefused, match="name: Field required; limit: too small"):
        read(422, {"exception_message": "Invalid request received.", "exception_detail": detail})


def test_a_url_without_api_is_told() -> None:
    """A 404 of an address that does not end in /api says what to try."""
    with pytest.raises(ApiRefused, match=r"try http://h:1/api \(FLOWHAND_API_URL\)"):
        read(404, {"detail": "Not Found"}, Address("http://h:1"))


def test_a_403_says_why() -> None:
    """What is not allowed is told with the server's reason."""
    with pytest.raises(Unauthorized, match=r"work pool 'p': .* does not allow it: reserved"):
        read(403, {"detail": "reserved"})


def test_a_web_page_is_no_api() -> None:
    """HTML in place of JSON, good status or not, means a wrong URL."""
    for status in (200, 404):
        with pytest.raises(ConfigurationError, match=r"it is not the API; .* try http://h:1/api "):
            read(status, b"<html>", Address("http://h:1/ui"), content_type="text/html; charset=utf-8")


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (work_pools.read("p"), {"hello": "world"}),
        (work_pools.create("p", "process"), ["hello"]),
        (filter_call("/work_pools/filter", {}), {"hello": "world"}),
        (server.package_version(), {"hello": "world"}),
    ],
)
def test_json_of_something_else_is_no_api(call: Call[Any], answer: Any) -> None:
    """Another service at the API's address, which answers everything with 200 and JSON of its own."""
    with pytest.raises(ConfigurationError, match="with something else, it is not the API"):
        read_answer(call, Answer(200, {"content-type": "application/json"}, orjson.dumps(answer)), HERE)


def test_an_unreadable_body_is_told() -> None:
    """A good status with something that is no JSON is an ApiError, not a decoder's exception."""
    with pytest.raises(ApiError, match="cannot be read"):
        read(200, b"nonsense", content_type="application/json")


def test_missing_credentials_are_told_apart_from_wrong_ones() -> None:
    """Without credentials the line says that some are wanted."""
    with pytest.raises(Unauthorized, match="wants credentials"):
        read(401, {"exception_message": "Unauthorized"}, Address("http://h:1/api"))
