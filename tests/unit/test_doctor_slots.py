"""What `flowhand doctor` says of an API that answers otherwise than a healthy one of ours: each thing for itself."""

from __future__ import annotations

import pytest

from flowhand.daemon.diagnosis import check_api
from flowhand.daemon.finding import Finding, Level
from flowhand.settings import Settings
from support.scripted_api import Asked, Say, Script, scripted_api

HTML = Say(body=b"<html>Welcome</html>", headers={"content-type": "text/html"})


def found(script: Script) -> dict[str, Finding]:
    """By what they are about."""
    with scripted_api(script) as api:
        return {finding.what: finding for finding in check_api(Settings(api_url=api.url))}


def but_slots(answer: Say) -> Script:
    """Healthy in all but what it says of slots."""

    def say(asked: Asked) -> Say:
        return answer if asked.path.endswith("/slots") else Say(body=True)

    return say


def test_a_web_page_is_told_from_an_api() -> None:
    """As what stands before many a server answers with 200 to everything."""
    told = found(lambda _: HTML)
    assert (told["API"].level, "not as an API does" in told["API"].found) == (Level.PROBLEM, True)
    assert "slots" not in told


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (HTML, "is not flowhand's API"),
        (Say(body={"limits": "many"}), "is not flowhand's API"),
        (Say(status=503), "answers 503"),
        (Say(hang_up=True), "no answer: RemoteProtocolError"),
    ],
)
def test_slots_that_cannot_be_learnt_are_a_finding_of_their_own(answer: Say, said: str) -> None:
    """The API answers all the same."""
    told = found(but_slots(answer))
    assert told["API"].level is Level.OK
    assert (told["slots"].level, said in told["slots"].found) == (Level.WARNING, True), told["slots"]


@pytest.mark.parametrize("status", [403, 404])
def test_an_api_that_does_not_speak_of_slots_is_fine(status: int) -> None:
    """Another server than ours, or one that does not let us look."""
    told = found(but_slots(Say(status=status)))
    assert {finding.level for finding in told.values()} == {Level.OK}
