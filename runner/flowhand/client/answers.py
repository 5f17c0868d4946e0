"""What an answer means: the parsed body, or one of our errors with a line that says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import orjson

from flowhand.client.address import Address
from flowhand.client.call import Call, NotTheApi
from flowhand.errors import ApiError, ApiRefused, ApiUnavailable, ConfigurationError, ObjectAlreadyExists, ObjectNotFound, Unauthorized

T = TypeVar("T")


class WrongAddress(ApiRefused, ConfigurationError):
    """What answers at the configured URL is not the API."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response, as far as it matters. Header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


def read_answer(call: Call[T], answer: Answer, address: Address) -> T:
    """What `call` wanted. Raises the error that the status stands for; ApiError for a body that is no API's."""
    if 200 <= answer.status < 300:
        if _is_page(answer):
            raise _wrong_url(address, "answered with a web page")
        try:
            return call.parse(answer.content)
        except NotTheApi:
            raise _wrong_url(address, f"answered {call.method} {call.path} with something else") from None
        except ValueError as error:
            raise ApiError(f"the API at {address.url} sent an answer to {call.method} {call.path} that cannot be read: {error}") from None
    refusal = _refusal(call, answer, address)
    refusal.reasons = reasons_of(answer)
    raise refusal


def unreachable(address: Address, error: Exception) -> ApiUnavailable:
    """For a request that got no answer."""
    words = str(error).strip() or type(error).__name__
    if address.embedded:
        return ApiUnavailable(f"the embedded server at {address.url} does not answer ({words}); see `flowhand server status`")
    return ApiUnavailable(
        f"no answer from the API at {address.url} ({words}); is it running (`flowhand server start`), and is FLOWHAND_API_URL right?"
    )


def _refusal(call: Call[Any], answer: Answer, address: Address) -> ApiError:
    status, detail, about = answer.status, detail_of(answer), call.about
    if status in (408, 429) or status >= 500:
        return ApiUnavailable(f"the API at {address.url} answered {status} to {call.method} {call.path}: {detail}", _retry_after(answer))
    if status in (401, 403):
        return Unauthorized(_credentials_line(call, address, status, detail), status, detail)
    if 300 <= status < 400:
        target = answer.headers.get("location", "elsewhere")
        return ApiRefused(f"the API at {address.url} redirects to {target}; set FLOWHAND_API_URL to the final address", status, detail)
    if _is_page(answer) or (status in (404, 405) and detail in ("Not Found", "Method Not Allowed") and not address.url.endswith("/api")):
        return _wrong_url(address, f"answered {status}")
    if status == 404:
        return ObjectNotFound(f"{about} not found" if about else f"{call.path}: {detail}", status, detail)
    if status == 409:
        return ObjectAlreadyExists(f"{about}: {detail}" if about else detail, status, detail)
    return ApiRefused(f"{about}: {detail}" if about else f"the API refused {call.method} {call.path} ({status}): {detail}", status, detail)


def _credentials_line(call: Call[Any], address: Address, status: int, detail: str) -> str:
    names = "FLOWHAND_API_KEY or FLOWHAND_API_AUTH_STRING"
    if status == 403:
        return f"{call.about or f'{call.method} {call.path}'}: the API at {address.url} does not allow it: {detail}"
    if address.authorization is None:
        return f"the API at {address.url} wants credentials: set {names}"
    return f"the API at {address.url} refused the credentials ({detail}): check {names}"


def _wrong_url(address: Address, did: str) -> WrongAddress:
    parts = urlsplit(address.url)
    hint = "" if parts.path == "/api" else f"; the API's URL ends in /api, try {parts.scheme}://{parts.netloc}/api"
    return WrongAddress(f"{address.url} {did}, it is not the API{hint} (FLOWHAND_API_URL)", 404)


def _is_page(answer: Answer) -> bool:
    return answer.headers.get("content-type", "").startswith("text/html")


def _retry_after(answer: Answer) -> float | None:
    """Seconds; servers of the contract send fractions (contract 10). The date form of RFC 9110 is left unread."""
    try:
        return max(0.0, float(answer.headers["retry-after"]))
    except (KeyError, ValueError):
        return None


def detail_of(answer: Answer) -> str:
    """The server's own words, on one line: `detail`, or `exception_message` with its details (contract 1), else the status and the start of
    the body."""
    message, reasons = _said(answer)
    return f"{message.rstrip('.')}: {'; '.join(reasons)}" if reasons else message


def reasons_of(answer: Answer) -> tuple[str, ...]:
    """The same, each thing that is wrong by itself."""
    message, reasons = _said(answer)
    return (message, *reasons)


def _said(answer: Answer) -> tuple[str, list[str]]:
    try:
        body = orjson.loads(answer.content)
    except ValueError:
        body = None
    if isinstance(body, dict) and body.get("detail"):
        return _in_words(body["detail"]), []
    if isinstance(body, dict) and body.get("exception_message"):
        details = body.get("exception_detail") or []
        return str(body["exception_message"]), [_in_words(item) for item in (details if isinstance(details, list) else [details])]
    text = " ".join(answer.content[:200].decode("utf-8", "replace").split())
    return (f"status {answer.status}: {text}" if text else f"status {answer.status}"), []


def _in_words(detail: Any) -> str:
    if isinstance(detail, list):
        return "; ".join(_in_words(item) for item in detail)
    if isinstance(detail, dict) and "msg" in detail:
        where = ".".join(str(part) for part in detail.get("loc", ()) if part not in ("body", "query", "path"))
        return f"{where}: {detail['msg']}" if where else str(detail["msg"])
    return " ".join(str(detail).split())
