"""Triggers of a deployment become automations that the deployment owns. A real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowhand import flow
from support.server import RunningServer
from support.worker import Api


@flow
def triggered(x: int = 1) -> None:
    """A sample."""


@pytest.fixture
def api(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> Api:
    monkeypatch.setenv("FLOWHAND_API_URL", server.url)
    monkeypatch.setenv("FLOWHAND_HOME", str(server.home))
    monkeypatch.chdir(Path(__file__).parents[2])
    return Api(server)


def owned(api: Api, deployment: str) -> list[dict[str, Any]]:
    found = api.call("GET", f"/automations/related-to/prefect.deployment.{deployment}")
    return sorted(found, key=lambda automation: automation["name"])


def test_each_trigger_runs_its_deployment(api: Api) -> None:
    """By names of their own or made of the deployment's; one list serves two deployments."""
    both = [
        {"expect": ["a.done"], "parameters": {"x": 2}},
        {"name": "mine", "triggers": [{"expect": ["b"]}, {"expect": ["c"]}], "require": "all"},
    ]
    first, second = (triggered.to_deployment(name, triggers=both).apply() for name in ("one", "two"))
    mine, made = sorted(owned(api, first), key=lambda automation: automation["name"] != "mine")
    assert (mine["trigger"]["type"], [part["expect"] for part in mine["trigger"]["triggers"]]) == ("compound", [["b"], ["c"]])
    assert (made["name"], made["trigger"]["expect"], made["trigger"]["posture"]) == ("one__automation_1", ["a.done"], "Reactive")
    action = made["actions"][0]
    assert (action["type"], action["deployment_id"], action["parameters"]) == ("run-deployment", first, {"x": 2})
    assert [automation["name"] for automation in owned(api, second)] == ["mine", "two__automation_1"]


def test_applying_again_replaces_them(api: Api) -> None:
    """Those taken out of the script are gone."""
    deployment = triggered.to_deployment("again", triggers=[{"expect": ["a"]}, {"expect": ["b"]}]).apply()
    assert triggered.to_deployment("again", triggers=[{"expect": ["c"]}]).apply() == deployment
    assert [automation["trigger"]["expect"] for automation in owned(api, deployment)] == [["c"]]
    triggered.to_deployment("again").apply()
    assert owned(api, deployment) == []


def test_a_trigger_that_cannot_be_is_told(api: Api) -> None:
    """Before anything is created."""
    with pytest.raises(TypeError, match="trigger 1 of deployment 'bad': int is no trigger"):
        triggered.to_deployment("bad", triggers=[3]).apply()
    with pytest.raises(ValueError, match=r"trigger 1 of deployment 'bad': .*proactive trigger is 10 seconds"):
        triggered.to_deployment("bad", triggers=[{"posture": "Proactive", "expect": ["a"], "within": 1}]).apply()
    assert api.call("POST", "/deployments/filter", {"deployments": {"name": {"any_": ["bad"]}}}) == []
