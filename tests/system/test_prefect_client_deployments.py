"""The same deployment calls made by a real Prefect client and by flowhand: what our server holds afterwards is equal."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from support.prefect_client import PrefectClient
from support.server import running_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # the first one makes the client's environment

SCRIPT = '''
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from PACKAGE import flow
from PACKAGE.deployments.runner import RunnerDeployment
from PACKAGE.schedules import Cron, Interval, RRule
from PACKAGE.events import DeploymentEventTrigger

@flow
def etl(day: str, rows: int = 10, tags: list[str] | None = None):
    """Loads a day.

    Args:
        day: Which one.
    """

@flow(name="Named One", version="v1", description="Said so.")
async def other():
    pass

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
TRIGGER = DeploymentEventTrigger(expect={"a.b"}, match={"prefect.resource.id": "x.*"}, parameters={"day": "{{ event.occurred }}"})

if __name__ == "__main__":
    made = [
        RunnerDeployment.from_flow(etl, "plain"),
        etl.to_deployment("everything", parameters={"rows": 5}, tags=["b", "a"], description="Mine.", version="v9", paused=True,
                          enforce_parameter_schema=False, concurrency_limit=3),
        etl.to_deployment("interval", interval=45),
        etl.to_deployment("durations", interval=[timedelta(hours=1), 90]),
        etl.to_deployment("cron", cron="0 9 * * 1-5"),
        etl.to_deployment("crons", cron=["0 9 * * *", "0 18 * * *"]),
        etl.to_deployment("rrule", rrule="FREQ=WEEKLY;BYDAY=MO"),
        etl.to_deployment("schedules", schedules=[
            Interval(timedelta(minutes=5), anchor_date=START, timezone="Europe/Berlin", active=False),
            Cron("30 6 * * *", timezone="Asia/Tokyo", day_or=False, parameters={"rows": 1}, slug="morning"),
        ]),
        etl.to_deployment("triggered", triggers=[TRIGGER]),
        other.to_deployment(name="named"),
        RunnerDeployment.from_entrypoint("SCRIPT:etl", name="entrypoint"),
    ]
    for deployment in made:
        print(deployment.name, deployment.apply())
    pooled = etl.to_deployment("pooled", work_queue_name="quick", job_variables={"env": {"A": "b"}}, work_pool_name="boxes")
    print("pooled", pooled.apply())
    print("image", etl.to_deployment("image", job_variables={"image": "old:1"}).apply(work_pool_name="boxes", image="new:2"))
    stored = flow.from_source(str(Path.cwd()), entrypoint="SCRIPT:etl")
    print("stored", stored.to_deployment("stored", work_pool_name="boxes").apply())
'''
NAMES = (
    *("plain", "everything", "interval", "durations", "cron", "crons", "rrule", "schedules", "triggered", "named", "entrypoint"),
    *("pooled", "image", "stored"),
)


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """By name: what the server has of Prefect's deployments, and of ours. Each has a server of its own, and the same folder."""
    folder = tmp_path_factory.mktemp("both")
    work = folder / "work"
    work.mkdir()
    found: list[dict[str, Any]] = []
    for package in ("prefect", "flowhand"):
        with running_server(folder / package) as server:
            client = PrefectClient(server.url, folder / f"{package}-home")
            client.post("/work_pools/", name="boxes", type="docker")
            program = work / "same.py"
            program.write_text(SCRIPT.replace("PACKAGE", package).replace("SCRIPT", "same.py"))
            python = "python" if package == "prefect" else sys.executable
            env = {**client.environ, "FLOWHAND_API_URL": server.url, "FLOWHAND_HOME": str(folder / "author")}
            done = subprocess.run([python, "same.py"], cwd=work, env=env, capture_output=True, text=True, timeout=200, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            ids = dict(line.split() for line in done.stdout.splitlines() if line.partition(" ")[0] in NAMES)
            found.append({name: _held(client, deployment_id) for name, deployment_id in ids.items()})
            client.close()
    return found[0], found[1]


def _held(client: PrefectClient, deployment_id: str) -> dict[str, Any]:
    """A deployment as the server has it, its flow's name and its automations with it, less what differs from one to the next."""
    deployment = client.get(f"/deployments/{deployment_id}")
    flow = client.get(f"/flows/{deployment['flow_id']}")
    automations = client.get(f"/automations/related-to/prefect.deployment.{deployment_id}")
    return _without_stamps({**deployment, "flow": flow["name"], "automations": automations})


_STAMPS = frozenset({"id", "created", "updated", "flow_id", "deployment_id", "work_queue_id", "last_polled", "owner_resource", "labels"})


def _without_stamps(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_stamps(item) for name, item in value.items() if name not in _STAMPS}
    return [_without_stamps(item) for item in value] if isinstance(value, list) else value


def _comparable(deployment: dict[str, Any], name: str) -> dict[str, Any]:
    """Less what cannot be the same: the order and the anchors of schedules that say nothing of them, the hash of another file's text."""
    found = json.loads(re.sub(r"deployment:[0-9a-f-]{36}", "deployment:ID", json.dumps(deployment)))
    del found["schedule"]  # the first of schedules that were made at one moment
    if name in ("interval", "durations"):
        for item in found["schedules"]:
            item["schedule"].pop("anchor_date")
    found["schedules"].sort(key=json.dumps)
    if re.fullmatch("[0-9a-f]{32}", found["version"]):
        found["version"] = "a hash"
    return found


def _as_ours(theirs: dict[str, Any], name: str) -> dict[str, Any]:
    """What docs/compatibility.md says is otherwise with us."""
    expected: dict[str, Any] = {**theirs, "version_info": None, "enforce_parameter_schema": False}
    if expected["work_pool_name"] is not None:  # a pool of containers
        expected["job_variables"] = expected["infra_overrides"] = {**expected["job_variables"], "command": "flowhand flow-run execute"}
    if name == "rrule":
        (item,) = expected["schedules"]
        item["schedule"]["rrule"] = item["schedule"]["rrule"].removeprefix("DTSTART:20200101T000000\n")
    return expected


@pytest.mark.parametrize("name", NAMES)
def test_the_server_holds_the_same(held: tuple[dict[str, Any], dict[str, Any]], name: str) -> None:
    """But for what docs/compatibility.md says is ours."""
    theirs, ours = (_comparable(deployments[name], name) for deployments in held)
    expected = _as_ours(theirs, name)
    different = {key: (expected[key], ours[key]) for key in expected if expected[key] != ours[key]}
    assert not different
    assert ours["flow"] == ("Named One" if name == "named" else "etl")
