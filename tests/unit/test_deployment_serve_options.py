"""serve(): its options, its checks, its message."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from flowhand import flow
from flowhand.daemon.options import ServeOptions
from flowhand.daemon.program import plan_serve
from flowhand.serving import serve, starting_message
from flowhand.settings import Settings


@flow
def served() -> None:
    """Does nothing."""


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parent)


def test_what_serve_is_asked_reaches_the_runner() -> None:
    """`limit`, `query_seconds` and `webserver`; the defaults are a bound of the machine, no endpoint, no pause, a message."""
    plan = plan_serve(ServeOptions(["d"], "s", limit=2, poll_s=3.0, webserver=True), Settings())
    assert (plan.limit, plan.poll_s, plan.tells_health, plan.bounded_by_machine) == (2, 3.0, True, False)
    bare = plan_serve(ServeOptions(["d"], "s"), Settings())
    assert bare.limit > 0
    assert (bare.tells_health, bare.bounded_by_machine) == (False, True)
    defaults = {name: item.default for name, item in inspect.signature(serve).parameters.items() if name != "deployments"}
    assert defaults == {
        "pause_on_shutdown": False,
        "print_starting_message": True,
        "limit": None,
        "query_seconds": None,
        "webserver": False,
    }


def test_the_message_says_what_is_served_and_how_to_run_it() -> None:
    """With the UI's address when there is one."""
    made = served.to_deployment("d"), served.to_deployment("e")
    text = starting_message(made, Settings(ui_url="http://ui.example"))
    assert "  - served/d\n  - served/e\n" in text
    assert "flowhand deployment run 'served/d'" in text
    assert "http://ui.example/deployments" in text


def test_nothing_and_two_of_one_name_are_refused() -> None:
    """Before anything is registered."""
    with pytest.raises(ValueError, match="at least one deployment"):
        serve()
    with pytest.raises(ValueError, match="two deployments named 'served/d'"):
        serve(served.to_deployment("d"), served.to_deployment("d"))
