"""One prefect.yaml, deployed by `prefect deploy` of a real client and by `flowhand deploy`: what our server holds is the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.cli import environment, flowhand
from support.prefect_client import PrefectClient, prefect_home
from support.server import RunningServer

FLOWS = '''
try:
    from prefect import flow
except ImportError:
    from flowhand import flow

@flow
def adding(x: int, y: str = "a", *, z: list[int] | None = None) -> int:
    """Adds.

    Args:
        x: what is added to
    """
    return x + 1

@flow(name="another flow", description="As written")
def other() -> None:
    pass
'''
FILE = """
name: project
prefect-version: 3.9.1
build:
  - prefect.deployments.steps.run_shell_script:
      id: revision
      script: echo abc123
      stream_output: false
definitions:
  schedules:
    morning: &morning
      cron: "0 9 * * 1-5"
      timezone: Europe/Berlin
      day_or: false
      slug: morning
  pool: &pool
    name: procs
    job_variables: &variables
      env: {REVISION: "rev-{{ revision.stdout }}", TOKEN: "{{ prefect.blocks.secret.token }}", WHO: "{{ $WHO }}"}
      stream_output: false
deployments:
  - name: first
    version: "{{ revision.stdout }}"
    entrypoint: flows.py:adding
    tags: [nightly, "{{ prefect.variables.stage }}"]
    parameters: {x: 3, z: [1, 2]}
    schedules:
      - *morning
      - interval: 3600
        anchor_date: "2026-01-01T00:00:00+00:00"
        active: false
        parameters: {x: 4}
      - rrule: "DTSTART:20260101T000000Z\\nRRULE:FREQ=DAILY;UNTIL=20300101T000000Z"
    concurrency_limit: {limit: 2, collision_strategy: CANCEL_NEW, grace_period_seconds: 90}
    work_pool: *pool
    triggers:
      - expect: [order.placed]
        match: {"prefect.resource.id": "shop.*"}
        parameters: {y: "{{ event.payload.name }}"}
      - name: quiet
        posture: Proactive
        after: [order.placed]
        expect: [order.shipped]
        within: 60
        enabled: false
      - type: compound
        require: any
        within: 30
        triggers:
          - {expect: [a]}
          - {expect: [b], threshold: 3, within: 10}
  - name: second
    version: "7"
    description: Another.
    entrypoint: flows.py:other
    paused: true
    enforce_parameter_schema: false
    concurrency_limit: 1
    schedule: {interval: 600, anchor_date: "2026-01-01T00:00:00+00:00"}
    pull:
      - prefect.deployments.steps.git_clone:
          id: clone
          repository: https://host.invalid/team/code.git
          branch: "{{ revision.stdout }}"
          access_token: "{{ prefect.blocks.secret.token }}"
      - prefect.deployments.steps.run_shell_script:
          script: "ls {{ clone.directory }} {{ $HOME }}"
    work_pool:
      <<: *pool
      work_queue_name: fast
      job_variables:
        <<: *variables
        working_dir: /tmp
"""
OWN = {"id", "created", "updated", "flow_id", "work_queue_id", "created_by", "updated_by", "last_polled", "status", "labels"}
OWN |= {"version_info", "schedule"}  # the kind of a version, and the older field that the server makes of any one schedule

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # the first one makes the client's environment


@pytest.fixture
def client(server: RunningServer, tmp_path: Path) -> Iterator[PrefectClient]:
    prefect_home()
    client = PrefectClient(server.url, tmp_path / "project")
    yield client
    client.close()


def held(client: PrefectClient, name: str) -> dict[str, Any]:
    """A deployment with its schedules and automations, without what is another's for each."""
    found = client.get(f"/deployments/name/{name}")
    automations = client.get(f"/automations/related-to/prefect.deployment.{found['id']}")
    schedules = [_without(one, OWN | {"deployment_id"}) for one in found["schedules"]]
    kept = _without(found, OWN | {"schedules", "global_concurrency_limit"})
    limit = (found["global_concurrency_limit"] or {}).get("limit")
    return {
        **kept,
        "limit": limit,
        "schedules": sorted(schedules, key=str),
        "automations": sorted((_automation(one) for one in automations), key=str),
    }


def _automation(one: dict[str, Any]) -> Any:
    return _without(one, OWN | {"account", "workspace", "deployment_id", "owner_resource"})


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(item, names) for name, item in value.items() if name not in names}
    return [_without(item, names) for item in value] if isinstance(value, list) else value


def differences(ones: list[dict[str, Any]], others: list[dict[str, Any]]) -> dict[str, Any]:
    """The fields that are not the same, with both values."""
    return {
        f"{one['name']}.{name}": (one.get(name), other.get(name))
        for one, other in zip(ones, others, strict=True)
        for name in one.keys() | other.keys()
        if one.get(name) != other.get(name)
    }


def test_both_clients_leave_the_same_behind(client: PrefectClient, server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deployed by Prefect, read, removed, deployed by ours, read: equal in every field."""
    monkeypatch.setenv("WHO", "me")
    folder = client.folder
    (folder / "flows.py").write_text(FLOWS)
    (folder / "prefect.yaml").write_text(FILE)
    kinds = client.get("/collections/views/aggregate-worker-metadata")
    client.post(
        "/work_pools/", name="procs", type="process", base_job_template=kinds["prefect"]["process"]["default_base_job_configuration"]
    )
    client.post("/variables/", name="stage", value="testing")
    client.run("from prefect.blocks.system import Secret\nSecret(value='s3cret').save('token')\n")
    names = ("adding/first", "another flow/second")
    client.cli("--no-prompt", "deploy", "--all")
    of_prefect = [held(client, name) for name in names]
    for name in names:
        assert client.api.delete(f"/deployments/{client.get(f'/deployments/name/{name}')['id']}").status_code == 204
    ended = flowhand("deploy", "--all", env=environment(server.home, server.url, WHO="me"), cwd=folder)
    assert ended.code == 0, ended
    assert differences(of_prefect, [held(client, name) for name in names]) == {}
    assert of_prefect[0]["job_variables"]["env"] == {"REVISION": "rev-abc123", "TOKEN": "s3cret", "WHO": "me"}
    client.cli("--no-prompt", "deploy", "--all")  # over what ours has made
    assert differences(of_prefect, [held(client, name) for name in names]) == {}
