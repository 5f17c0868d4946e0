"""One call from its first sending to its answer: tries again, waits, proves itself against forged requests. No I/O in here.

`exchange` is a generator of steps. The clients perform the steps, each in its own way, and hand back what came of them; so the rules are
written once for the plain and for the async client.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import orjson

from flowhand.client.address import Address
from flowhand.client.answers import Answer, detail_of, read_answer, unreachable
from flowhand.client.backoff import full_jitter
from flowhand.client.call import Call, Pause
from flowhand.errors import ApiUnavailable
from flowhand.ids import new_id

T = TypeVar("T")
RETRIED: Final = frozenset({408, 429, 502, 503, 504})
"""What another try may change (contract 1.2, and 504 of a proxy); a 500 is reported at once."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it goes on the wire."""

    method: str
    path: str
    content: bytes | None
    query: dict[str, str]
    headers: dict[str, str]
    timeout_s: float | None


@dataclass(frozen=True, slots=True)
class Revive:
    """A wish that the embedded server be brought up again; afterwards `Session.address` is where it is."""


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer. `sent` says whether the server may have received the request."""

    error: Exception
    sent: bool


@dataclass(slots=True)
class Session:
    """What a client remembers from call to call."""

    address: Address
    patience_s: float
    """For how long a call is tried again."""
    reached: bool = False
    """Whether anything ever answered here: before that a refused connection is reported at once, for the address may be wrong."""
    on_retry: Callable[[ApiUnavailable, float], None] = lambda _error, _delay_s: None
    """Told before each wait, with its seconds."""
    csrf: dict[str, str] = field(default_factory=dict)


Step = Request | Pause | Revive


def exchange(call: Call[T], session: Session, monotonic: Callable[[], float] = time.monotonic) -> Generator[Step, Answer | Lost | None, T]:
    """The steps of one call; returns what it parses to. Raises the errors of `read_answer`, ApiUnavailable when patience ends."""
    deadline = monotonic() + session.patience_s
    attempt = 0
    while True:
        outcome = yield _request(call, session)
        if isinstance(outcome, Answer):
            session.reached = True
            if outcome.status == 403 and "CSRF" in detail_of(outcome):
                outcome = (yield from _fetch_csrf(session, outcome)) or (yield _request(call, session))
        if isinstance(outcome, Answer) and (outcome.status not in RETRIED or not call.repeatable):
            return read_answer(call, outcome, session.address)
        delay = full_jitter(attempt)
        error: ApiUnavailable
        if isinstance(outcome, Answer):
            error = _as_unavailable(call, outcome, session)
            delay = max(delay, error.retry_after or 0.0)
        else:
            assert isinstance(outcome, Lost)
            error = unreachable(session.address, outcome.error)
            if not _may_repeat(call, outcome, session):
                raise error from outcome.error
            if session.address.embedded and not outcome.sent:
                began = monotonic()
                yield Revive()
                deadline += monotonic() - began  # a server that starts slowly is asked all the same
        if monotonic() + delay >= deadline:
            raise error
        session.on_retry(error, delay)
        yield Pause(delay)
        attempt += 1


def _may_repeat(call: Call[Any], lost: Lost, session: Session) -> bool:
    if lost.sent:
        return call.repeatable
    return session.reached or session.address.embedded


def _as_unavailable(call: Call[Any], answer: Answer, session: Session) -> ApiUnavailable:
    try:
        read_answer(call, answer, session.address)
    except ApiUnavailable as error:
        return error
    raise AssertionError(answer.status)


def _request(call: Call[Any], session: Session) -> Request:
    headers = {**call.headers, **(session.csrf if call.method != "GET" else {})}
    content = None if call.body is None else _written(call)
    if content is not None:
        headers["Content-Type"] = "application/json"
    return Request(call.method, call.path, content, dict(call.query), headers, call.timeout_s)


def _written(call: Call[Any]) -> bytes:
    """The body as JSON. TypeError names what cannot be written."""
    try:
        return orjson.dumps(call.body, default=_as_reference)
    except orjson.JSONEncodeError as error:
        raise TypeError(f"{call.about or call.path}: {error.__cause__ or error}") from None


def _as_reference(value: Any) -> Any:
    """A saved block among parameters stands there as a reference to its document."""
    if not hasattr(value, "_block_document_id"):
        raise TypeError(f"a {type(value).__name__} cannot be sent as JSON")
    document_id = value._block_document_id  # noqa: SLF001  # blocks are of a room above: told by their name for it
    if document_id is None:
        raise TypeError(f"save the {type(value).__name__} block first: a run finds it by what it is saved as")
    return {"$ref": {"block_document_id": document_id}}


def _fetch_csrf(session: Session, refused: Answer) -> Generator[Step, Answer | Lost | None, Answer | None]:
    """Asks for a token, as servers with that protection want it before anything but a GET (contract 1.1). Only when one says so.

    The answer that stands in the way when there is no token to be had, such as a 401, which those servers give only now.
    """
    client = new_id()
    answer = yield Request("GET", "/csrf-token", None, {"client": client}, {}, None)
    if not isinstance(answer, Answer):
        return refused
    if answer.status != 200:
        return answer if answer.status == 401 else refused
    token = orjson.loads(answer.content).get("token")
    session.csrf = {"Prefect-Csrf-Token": str(token), "Prefect-Csrf-Client": client}
    return None
