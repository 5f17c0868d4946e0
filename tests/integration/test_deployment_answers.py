"""What applying makes of answers that a healthy server of ours never gives: errors in the server's words, a server without automations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowhand import flow
from flowhand.deployments import Deployment, DeploymentApplyError
from flowhand.errors import ApiError
from flowhand.infrastructure import Process
from support.scripted_api import Asked, Say, scripted_api


@flow
def answered() -> None:
    """Does nothing."""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parent)
    monkeypatch.setenv("FLOWHAND_HOME", str(tmp_path))


def saying(answer: Say) -> Any:
    """A server on which nothing is, and which answers so to a new deployment."""

    def script(asked: Asked) -> Say:
        if asked.method == "POST" and asked.path.endswith("/deployments/"):
            return answer
        if asked.method == "POST":
            return Say(201, {"id": "0198f3c7-0000-7000-8000-000000000000"})
        return Say(404, {"detail": "Not found"})

    return script


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        (Say(409, {"detail": "The name is taken."}), ["The name is taken."]),
        (
            Say(
                422,
                {"exception_message": "Invalid request received.", "exception_detail": [{"loc": ["body", "tags"], "msg": "no list"}, "b"]},
            ),
            ["Invalid request received.", "tags: no list", "b"],
        ),
        (Say(400, {"exception_message": "Odd."}), ["Odd."]),
        (Say(418, b"I am a teapot\n" + b"x" * 500), ["status 418: I am a teapot " + "x" * 186]),
        (Say(418, {"other": 1}), ['status 418: {"other": 1}']),
    ],
    ids=["detail", "details", "message", "text", "json"],
)
def test_the_error_is_the_servers(monkeypatch: pytest.MonkeyPatch, answer: Say, lines: list[str]) -> None:
    """`detail`, else the message and its details one per line, else the status and the start of the body; the cause is chained."""
    with scripted_api(saying(answer)) as api:
        monkeypatch.setenv("FLOWHAND_API_URL", api.url)
        with pytest.raises(DeploymentApplyError) as caught:
            answered.to_deployment("d").apply()
    first, *rest = str(caught.value).splitlines()
    assert [first.partition("'answered/d': ")[2], *rest] == lines
    assert isinstance(caught.value, RuntimeError)
    assert isinstance(caught.value.__cause__, ApiError)


def test_a_server_without_automations(monkeypatch: pytest.MonkeyPatch) -> None:
    """The id is answered; triggers are warned of, and without any nothing is said."""
    with scripted_api(saying(Say(201, {"id": "the-id"}))) as api:
        monkeypatch.setenv("FLOWHAND_API_URL", api.url)
        with pytest.warns(UserWarning, match="triggers of 'answered/d' are without effect"):
            assert answered.to_deployment("d", triggers=[{"expect": ["a"]}]).apply() == "the-id"
        assert answered.to_deployment("d").apply() == "the-id"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_manifest_at_a_server_that_knows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that says so; without one none of the older fields is sent."""
    answer = Say(
        422, {"exception_message": "Invalid request received.", "exception_detail": [{"loc": ["body", "manifest_path"], "msg": "x"}]}
    )
    with scripted_api(saying(answer)) as api:
        monkeypatch.setenv("FLOWHAND_API_URL", api.url)
        older = Deployment(name="d", flow_name="answered", infrastructure=_saved(), manifest_path="m.json")
        with pytest.raises(DeploymentApplyError, match=r"has a manifest \(m\.json\), which this API does not know"):
            older.apply()
    with scripted_api(saying(Say(201, {"id": "the-id"}))) as api:
        monkeypatch.setenv("FLOWHAND_API_URL", api.url)
        Deployment(name="d", flow_name="answered", infrastructure=_saved(), job_variables={"a": 1}).apply()
        (sent,) = [asked.body for asked in api.asked if asked.method == "POST" and asked.path.endswith("/deployments/")]
    assert not sent.keys() & {"manifest_path", "schedule", "is_schedule_active", "infra_overrides", "timestamp"}
    assert sent["job_variables"] == {"a": 1}


def _saved() -> Any:
    block = Process()
    block.remember_document("0198f3c7-0000-7000-8000-000000000001", "saved")
    return block
