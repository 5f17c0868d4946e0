"""Schedules with slugs are replaced as well when a script is applied again: those that it no longer has are gone."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from flowhand import flow
from flowhand.deployments import Deployment
from flowhand.schedules import Cron, Interval
from support.server import running_server
from support.worker import Api

A, B, PLAIN = Cron("@daily", slug="a"), Interval(60, slug="b"), Cron("@hourly")


@flow
def slugged() -> None:
    """Does nothing."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Generator[Api]:
    folder = tmp_path_factory.mktemp("server")
    with running_server(folder) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLOWHAND_API_URL", server.url)
        patch.setenv("FLOWHAND_HOME", str(folder))
        patch.chdir(Path(__file__).parent)
        yield Api(server)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("older", [False, True], ids=["RunnerDeployment", "Deployment"])
@pytest.mark.parametrize(
    "after", [[A, B], [A], [B], [A, PLAIN], [PLAIN], []], ids=lambda given: "+".join(item.slug or "plain" for item in given)
)
def test_what_the_script_no_longer_has_is_gone(api: Api, after: list[Any], older: bool) -> None:
    """Whatever had a slug before; tags and a pause by hand stay as they are. The older kind leaves the server's when it has none."""
    name = f"{older}-{'-'.join(item.slug or 'plain' for item in after)}"

    def applied(schedules: list[Any]) -> dict[str, Any]:
        if older:
            deployment_id = Deployment(name=name, flow_name="slugged", schedules=schedules, tags=["t"]).apply()
        else:
            deployment_id = slugged.to_deployment(name, schedules=schedules, tags=["t"]).apply()
        return api.call("GET", f"/deployments/{deployment_id}")

    first = applied([A, B])
    api.call("PATCH", f"/deployments/{first['id']}", {"paused": True})
    second = applied(after)
    expected = after or ([A, B] if older else [])
    assert sorted(str(item["slug"]) for item in second["schedules"]) == sorted(str(item.slug) for item in expected)
    assert (second["id"], second["paused"], second["tags"]) == (first["id"], True, ["t"])
