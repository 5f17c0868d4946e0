"""A real Prefect client runs flows by itself against our server: what it prints and what our API holds afterwards."""

from __future__ import annotations

import pytest

from support.prefect_client import PrefectClient

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # the first one makes the client's environment


TASKS = """
from prefect import flow, task, get_run_logger
from prefect.cache_policies import INPUTS

tries = []

@task(retries=2, retry_delay_seconds=0)
def flaky():
    tries.append(1)
    if len(tries) < 3:
        raise ValueError("not yet")
    return 42

@task(tags=["counted"])
def double(x):
    get_run_logger().info("doubling %s", x)
    return 2 * x

@task(cache_policy=INPUTS, persist_result=True)
def slow_square(x):
    return x * x

@flow
def child(n):
    return double(n)

@flow(log_prints=True)
def parent(n: int = 2):
    print("printed by the flow")
    assert flaky() == 42
    mapped = double.map([1, 2, 3])
    first, second = slow_square(7, return_state=True), slow_square(7, return_state=True)
    print("second is", second.name)
    print("child says", child(n))
    return sum(future.result() for future in mapped)

if __name__ == "__main__":
    print("result", parent(5))
"""


def test_tasks_retries_mapping_caching_and_subflows(client: PrefectClient) -> None:
    """A flow with all kinds of tasks completes, and its task runs, told by events, are in the database with their states."""
    printed = client.run(TASKS)
    assert "result 12" in printed
    assert "second is Cached" in printed
    assert "child says 10" in printed

    (parent,) = client.flow_runs("parent")
    assert parent["state_type"] == "COMPLETED"
    assert parent["parameters"] == {"n": 5}
    assert client.states(parent["id"]) == ["Pending", "Running", "Completed"]
    tasks = client.until(lambda: _all_ended(client, parent["id"], 7), "seven task runs have ended")
    by_name = sorted((task["name"].rsplit("-", 1)[0], task["state_name"], task["run_count"]) for task in tasks)
    assert by_name == [
        ("child", "Completed", 1),
        ("double", "Completed", 1),
        ("double", "Completed", 1),
        ("double", "Completed", 1),
        ("flaky", "Completed", 3),
        ("slow_square", "Cached", 1),
        ("slow_square", "Completed", 1),
    ]
    flaky = next(task for task in tasks if task["name"].startswith("flaky"))
    names = [state["name"] for state in client.api.get("/task_run_states/", params={"task_run_id": flaky["id"]}).json()]
    assert names == ["Pending", "Running", "Retrying", "Retrying", "Completed"]

    (child,) = client.flow_runs("child")
    assert child["parent_task_run_id"] in {task["id"] for task in tasks}
    stands_for = client.get(f"/task_runs/{child['parent_task_run_id']}")
    assert stands_for["state"]["state_details"]["child_flow_run_id"] == child["id"]
    graph = client.get(f"/flow_runs/{parent['id']}/graph-v2")
    assert {node[1]["kind"] for node in graph["nodes"]} == {"task-run", "flow-run"}


def _all_ended(client: PrefectClient, run_id: str, count: int) -> list[dict[str, object]] | None:
    tasks = client.task_runs(run_id)
    return tasks if len(tasks) == count and all(task["state_type"] == "COMPLETED" for task in tasks) else None


def test_logs_come_with_their_runs(client: PrefectClient) -> None:
    """What flow and task log is found by run, and by the text in it."""
    run = client.flow_runs("parent")[0]["id"]
    wanted = {"flow_run_id": {"any_": [run]}}
    lines = client.until(lambda: client.post("/logs/filter", logs={**wanted, "text": {"query": "+printed +flow"}}), "the line is stored")
    assert [line["message"] for line in lines] == ["printed by the flow"]
    doubled = client.post("/logs/filter", logs={**wanted, "text": {"query": "doubling"}})
    assert len(doubled) == 3
    assert all(line["task_run_id"] for line in doubled)
    assert "printed by the flow" in client.api.get(f"/flow_runs/{run}/logs/download").text


ENDS = """
import time
from prefect import flow

@flow(retries=1, retry_delay_seconds=0)
def second_time_lucky(seen=[]):
    seen.append(1)
    if len(seen) < 2:
        raise RuntimeError("first")
    return "lucky"

@flow
def broken():
    raise ValueError("broken on purpose")

@flow(timeout_seconds=0.5)
def endless():
    while True:
        time.sleep(0.05)

if __name__ == "__main__":
    print("got", second_time_lucky())
    print("broken:", broken(return_state=True).name)
    print("endless:", endless(return_state=True).name)
"""


def test_flow_retries_failures_and_timeouts(client: PrefectClient) -> None:
    """A failed flow is tried again by the server's word, a failure is kept with its message, a time-out has its name."""
    printed = client.run(ENDS)
    assert "got lucky" in printed
    assert "broken: Failed" in printed
    assert "endless: TimedOut" in printed
    (lucky,) = client.flow_runs("second-time-lucky")
    assert client.states(lucky["id"]) == ["Pending", "Running", "AwaitingRetry", "Running", "Completed"]
    assert lucky["run_count"] == 2
    (broken,) = client.flow_runs("broken")
    assert "broken on purpose" in broken["state"]["message"]
    (endless,) = client.flow_runs("endless")
    assert (endless["state_type"], endless["state_name"]) == ("FAILED", "TimedOut")


KEPT = """
from prefect import flow
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.blocks.core import Block
from prefect.blocks.system import Secret
from prefect.concurrency.sync import concurrency, rate_limit
from prefect.events import emit_event
from prefect.filesystems import LocalFileSystem
from prefect.variables import Variable
from pydantic import SecretStr

class Door(Block):
    code: SecretStr
    floor: int = 1

class House(Block):
    door: Door

@flow
def keeper():
    create_markdown_artifact("# hello", key="greeting")
    create_table_artifact([{"a": 1}], key="numbers")
    create_link_artifact("https://example.org", key="link")
    update_progress_artifact(create_progress_artifact(10.0), 50.0)
    with concurrency("one-at-a-time", occupy=1):
        print("in the section")
    rate_limit("often")
    rate_limit("often")
    emit_event("keeper.spoke", resource={"prefect.resource.id": "keeper.1"}, payload={"word": "hello"})

if __name__ == "__main__":
    Secret(value="hush").save("whisper")
    Secret(value="hush hush").save("whisper", overwrite=True)
    print("secret", Secret.load("whisper").get())
    LocalFileSystem(basepath="/tmp/somewhere").save("place")
    print("place", LocalFileSystem.load("place").basepath)
    door = Door(code="1234")
    door.save("front")
    House(door=door).save("home")
    home = House.load("home")
    print("code", home.door.code.get_secret_value(), home.door._block_document_name)
    Variable.set("colour", {"name": "blue"})
    print("colour", Variable.get("colour"))
    Variable.set("colour", "red", overwrite=True)
    print("colour", Variable.get("colour"), Variable.get("taste", default="none"))
    keeper()
"""


def test_blocks_variables_artifacts_limits_and_events(client: PrefectClient) -> None:
    """Blocks come back with their secrets, stored encrypted and shown hidden; variables, artifacts, limits and events are kept."""
    client.post("/v2/concurrency_limits/", name="one-at-a-time", limit=1)
    client.post("/v2/concurrency_limits/", name="often", limit=1, slot_decay_per_second=5.0)
    printed = client.run(KEPT)
    assert "secret hush hush" in printed
    assert "place /tmp/somewhere" in printed
    assert "code 1234 front" in printed
    assert "colour {'name': 'blue'}" in printed
    assert "colour red none" in printed

    shown = client.get("/block_types/slug/secret/block_documents/name/whisper")
    assert shown["data"] == {"value": "********"}
    assert client.get("/block_types/slug/house/block_documents/name/home")["data"] == {"door": {"code": "********", "floor": 1}}
    database = b"".join(path.read_bytes() for path in (client.folder.parent / "server" / "server").glob("flowhand.db*"))
    assert b"hush hush" not in database
    key = client.folder.parent / "server" / "server" / "secrets.key"
    assert key.stat().st_mode & 0o777 == 0o600

    latest = client.post("/artifacts/latest/filter", sort="KEY_ASC")
    assert [artifact["key"] for artifact in latest] == ["greeting", "link", "numbers"]
    assert [artifact["data"] for artifact in client.post("/artifacts/filter", artifacts={"type": {"any_": ["progress"]}})] == [50.0]
    limits = {limit["name"]: limit["active_slots"] for limit in client.post("/v2/concurrency_limits/filter")}
    assert limits["one-at-a-time"] == 0
    asked = {"event": {"name": ["keeper.spoke"]}}
    page = client.until(lambda: client.post("/events/filter", filter=asked)["events"], "the event is stored")
    assert page[0]["payload"] == {"word": "hello"}


def test_server_tells_of_flow_run_states(client: PrefectClient) -> None:
    """Each state of a flow run has an event of its own, in order, with the run's flow beside it."""
    run = client.flow_runs("broken")[0]["id"]
    wanted = {"resource": {"id": [f"prefect.flow-run.{run}"]}, "event": {"prefix": ["prefect.flow-run."]}, "order": "ASC"}
    names = ["prefect.flow-run.Pending", "prefect.flow-run.Running", "prefect.flow-run.Failed"]

    def told() -> list[dict[str, object]] | None:
        events = [event for event in client.post("/events/filter", filter=wanted)["events"] if not event["event"].endswith("heartbeat")]
        return events if len(events) == len(names) else None

    events = client.until(told, "three events are stored")
    assert [event["event"] for event in events] == names
    assert [event["follows"] for event in events] == [None, events[0]["id"], events[1]["id"]]
    assert events[1]["payload"]["intended"] == {"from": "PENDING", "to": "RUNNING"}
    assert events[1]["related"][0]["prefect.resource.name"] == "broken"
