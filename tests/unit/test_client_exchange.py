"""One call from its first sending to its answer, step by step, with no network and no clock."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from flowhand.client.address import Address
from flowhand.client.answers import Answer
from flowhand.client.call import Call, Pause, read_json
from flowhand.client.exchange import Lost, Request, Revive, Session, exchange
from flowhand.errors import ApiUnavailable, ObjectNotFound, Unauthorized

READ = Call("GET", "/flows/1", read_json, about="flow 1")
CREATE = Call("POST", "/flow_runs/", read_json, {"a": 1}, repeatable=False)


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, orjson.dumps(body))


class Talk:
    """Drives an exchange by hand; its clock stands still unless it is moved."""

    def __init__(self, call: Call[Any], *, embedded: bool = False, reached: bool = False, patience_s: float = 60.0) -> None:
        self.now = 0.0
        self.session = Session(Address("http://there/api", embedded=embedded), patience_s, reached=reached)
        self.steps = exchange(call, self.session, lambda: self.now)
        self.step: Any = next(self.steps)

    def give(self, outcome: Answer | Lost | None) -> Any:
        """The next step, or the result when it is over."""
        try:
            self.step = self.steps.send(outcome)
        except StopIteration as end:
            return end.value
        return self.step


def test_an_answer_ends_it() -> None:
    """A good answer is parsed and returned after one request."""
    talk = Talk(READ)
    assert isinstance(talk.step, Request)
    assert talk.give(answer(200, {"name": "x"})) == {"name": "x"}


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_a_busy_server_is_asked_again(status: int) -> None:
    """Statuses that another try may change lead to a pause and the same request."""
    talk = Talk(READ)
    assert isinstance(talk.give(answer(status)), Pause)
    assert talk.give(None) == Request("GET", "/flows/1", None, {}, {}, None)
    assert talk.give(answer(200, 7)) == 7


def test_retry_after_is_the_least_pause() -> None:
    """The server's own wish, fractions included, is honoured."""
    pause = Talk(READ).give(answer(429, retry_after="2.5"))
    assert isinstance(pause, Pause)
    assert pause.seconds >= 2.5


def test_a_call_that_must_not_be_repeated_is_not() -> None:
    """A 503 to a create without idempotency key is reported at once."""
    with pytest.raises(ApiUnavailable, match="503"):
        Talk(CREATE).give(answer(503))


def test_a_lost_answer_is_repeated_only_when_that_is_safe() -> None:
    """A request that may have arrived is sent again for reads, never for creates."""
    lost = Lost(OSError("reset"), sent=True)
    assert isinstance(Talk(READ).give(lost), Pause)
    with pytest.raises(ApiUnavailable, match="reset"):
        Talk(CREATE).give(lost)


def test_a_first_refused_connection_is_reported_at_once() -> None:
    """Before anything ever answered the address is probably wrong; afterwards the server is probably restarting."""
    refused = Lost(OSError("Connection refused"), sent=False)
    with pytest.raises(ApiUnavailable, match=r"http://there/api.*FLOWHAND_API_URL"):
        Talk(READ).give(refused)
    assert isinstance(Talk(CREATE, reached=True).give(refused), Pause)


def test_an_embedded_server_that_is_gone_is_revived_first() -> None:
    """A refused connection of the embedded server leads to its revival, then to the same request, creates included."""
    talk = Talk(CREATE, embedded=True)
    assert isinstance(talk.give(Lost(OSError("refused"), sent=False)), Revive)
    assert isinstance(talk.give(None), Pause)
    assert isinstance(talk.give(None), Request)


def test_a_revival_that_takes_long_is_no_loss_of_patience() -> None:
    """The request is sent again however long the server took to come back; after that patience ends as ever."""
    talk = Talk(CREATE, embedded=True, patience_s=10.0)
    refused = Lost(OSError("refused"), sent=False)
    assert isinstance(talk.give(refused), Revive)
    talk.now = 30.0
    assert isinstance(talk.give(None), Pause)
    assert isinstance(talk.give(None), Request)
    assert isinstance(talk.give(refused), Revive)
    talk.give(None)
    talk.give(None)
    talk.now = 40.0
    talk.give(refused)
    with pytest.raises(ApiUnavailable, match="refused"):
        talk.give(None)


def test_patience_ends() -> None:
    """Tries stop before a pause would pass the deadline, and the last error is told."""
    talk = Talk(READ, patience_s=10.0)
    for _ in range(3):
        assert isinstance(talk.give(answer(503)), Pause)
        talk.now += 3.0
        talk.give(None)
    talk.now = 10.0
    with pytest.raises(ApiUnavailable, match="503"):
        talk.give(answer(503))


def test_protection_against_forged_requests_is_answered_on_demand() -> None:
    """A 403 that asks for a CSRF token is followed by fetching one; it goes with this and every later request but a GET."""
    talk = Talk(CREATE)
    fetch = talk.give(answer(403, {"detail": "Missing CSRF token."}))
    assert isinstance(fetch, Request)
    assert fetch.path == "/csrf-token"
    again = talk.give(answer(200, {"token": "t0"}))
    assert again.headers["Prefect-Csrf-Token"] == "t0"
    assert again.headers["Prefect-Csrf-Client"] == fetch.query["client"]
    assert talk.give(answer(201, {"id": "1"})) == {"id": "1"}
    assert next(exchange(CREATE, talk.session)).headers["Prefect-Csrf-Token"] == "t0"  # type: ignore[union-attr]
    assert "Prefect-Csrf-Token" not in next(exchange(READ, talk.session)).headers  # type: ignore[union-attr]


def test_missing_credentials_show_behind_the_protection() -> None:
    """Such servers look at the token first (contract 1.1): the 401 to asking for one is what the person must know."""
    talk = Talk(CREATE)
    talk.give(answer(403, {"detail": "Missing CSRF token."}))
    with pytest.raises(Unauthorized, match="wants credentials"):
        talk.give(answer(401, {"exception_message": "Unauthorized"}))


def test_a_plain_403_is_about_credentials() -> None:
    """A 403 that does not speak of CSRF is Unauthorized, with the reason, without a second request."""
    with pytest.raises(Unauthorized, match="does not allow it: no"):
        Talk(CREATE).give(answer(403, {"detail": "no"}))


def test_not_found_names_what_was_asked_for() -> None:
    """A 404 says what there is none of."""
    with pytest.raises(ObjectNotFound, match="flow 1 not found"):
        Talk(READ).give(answer(404, {"detail": "Flow not found"}))
