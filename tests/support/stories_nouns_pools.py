"""Stories about work pools, their queues, their workers and what they are given to run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from support.beside import Player

NOBODY: Final = "00000000-0000-4000-8000-000000000000"
_TEMPLATE: Final[dict[str, Any]] = {
    "job_configuration": {"command": "{{ command }}", "env": "{{ env }}"},
    "variables": {"type": "object", "properties": {"command": {"type": "string"}, "env": {"type": "object"}}},
}


def pools(play: Player) -> None:
    play.post("/work_pools/", name="a", type="process", base_job_template=_TEMPLATE, description="d", is_paused=True, concurrency_limit=3)
    play.post("/work_pools/", name="a")
    play.get("/work_pools/a")
    for name in ("with space", "ü", "x" * 300, "a/b", "a%b", "a&b", "a<b", "a>b", "", 5, "Prefect own", "prefect-own"):
        play.post("/work_pools/", name=name)
    play.post("/work_pools/", {})
    wrong: list[dict[str, Any]] = [
        {"concurrency_limit": -1},
        {"concurrency_limit": "x"},
        {"unknown": 1},
        {"type": 5},
        {"base_job_template": None},
        {"base_job_template": []},
        {"base_job_template": {"job_configuration": {}}},
        {"base_job_template": {"variables": {}}},
        {"base_job_template": {"job_configuration": {"a": "{{ missing }}"}, "variables": {"properties": {}}}},
        {"base_job_template": {"job_configuration": {"a": "{{ missing }}"}, "variables": {"properties": {"a": {}}}}},
        {"base_job_template": {"other": {}}},
        {"storage_configuration": {"other": 1}},
        {"is_paused": None},
        {"description": 5},
    ]
    for fields in wrong:
        play.post("/work_pools/", name="wrong", **fields)
    stored = {"bundle_upload_step": {"a": 1}, "bundle_execution_step": None, "default_result_storage_block_id": None}
    play.post("/work_pools/", name="stored", type="docker", storage_configuration=stored, concurrency_limit="5", is_paused="yes")
    play.post("/work_pools/", name="agents")
    changes: list[dict[str, Any]] = [
        {"description": "x"},
        {"is_paused": False},
        {"concurrency_limit": -4},
        {"concurrency_limit": None, "description": None},
        {"concurrency_limit": 0},
        {"name": "new"},
        {"type": "docker"},
        {"base_job_template": {"foo": 1}},
        {"base_job_template": {}},
        {"base_job_template": _TEMPLATE},
        {},
    ]
    for fields in changes:
        if play.patch("/work_pools/a", **fields) is None:
            play.get("/work_pools/a")
    for path in ("/work_pools/none", "/work_pools/prefect-own"):
        play.patch(path, description="x")
        play.delete(path)


def searches_for_pools(play: Player) -> None:
    for name, kind in (("s1", "process"), ("s2", "docker"), ("s3", "prefect-agent")):
        play.post("/work_pools/", name=name, type=kind)
    ours = {"name": {"any_": ["s1", "s2", "s3"]}}
    filters: list[dict[str, Any]] = [
        {"work_pools": ours},
        {"work_pools": ours | {"type": {"any_": ["process"]}}},
        {"work_pools": {"operator": "or_", "type": {"any_": ["none"]}, "name": {"any_": ["s1"]}}},
        {"work_pools": {"name": {"any_": []}}},
        {"work_pools": {"id": {"any_": [NOBODY]}}},
        {"work_pools": {"id": {"any_": ["x"]}}},
        {"work_pools": {"foo": {"any_": ["x"]}}},
        {"work_pools": {"name": {"like_": "x"}}},
    ]
    for body in filters:
        play.post("/work_pools/filter", body)
        play.post("/work_pools/count", body)
    for window in (
        {"limit": 0},
        {"limit": -1},
        {"limit": 201},
        {"limit": "x"},
        {"limit": 1, "offset": -1},
        {"limit": 1, "offset": 1},
        {"limit": 0, "foo": 1},
    ):
        play.post("/work_pools/filter", {"work_pools": ours, **window})
    play.delete("/work_pools/s1")
    play.delete("/work_pools/s1")
    play.get("/work_pools/s1")
    play.post("/work_pools/count", work_pools=ours)


def queues(play: Player) -> None:
    play.post("/work_pools/", name="q", type="process")
    path = "/work_pools/q/queues"
    made: list[dict[str, Any]] = [
        {"name": "a"},
        {"name": "a"},
        {"name": "b", "priority": 1, "description": "B", "concurrency_limit": 2},
        {"name": "c", "priority": 10},
        {"name": "d", "priority": 2},
        {"name": "z", "concurrency_limit": 0},
        {"name": "f", "filter": {"tags": ["x"]}},
        {"name": "prefect-own"},
        {"name": "e", "priority": 0},
        {"name": "e", "concurrency_limit": -1},
        {"name": "e/f"},
        {"name": ""},
        {},
        {"name": "e", "filter": 5},
    ]
    for fields in made:
        play.post(path, fields)
    play.post(f"{path}/filter")
    changed: list[dict[str, Any]] = [
        {"name": "a2"},
        {"concurrency_limit": 4, "description": "A", "is_paused": True},
        {"is_paused": False, "concurrency_limit": None},
        {"unknown": 1},
        {},
    ]
    of_a = f"/work_queues/{play.get(f'{path}/a')['id']}"
    for priority in (1, 3, 50, 0):
        play.patch(f"{path}/a", priority=priority)
        play.post(f"{path}/filter")
    for fields in changed:
        if play.patch(of_a, fields) is None:
            play.get(of_a)
    play.patch(f"{path}/a2", name="b")
    play.delete(f"{path}/d")
    play.delete(f"{path}/d")
    play.post(f"{path}/filter")
    filters: list[dict[str, Any]] = [
        {"work_queues": {"name": {"any_": ["a2", "b"]}}},
        {"work_queues": {"name": {"startswith_": ["b"]}}},
        {"work_queues": None, "offset": None, "limit": None},
        {"limit": 2, "offset": 1},
        {"limit": 2000},
    ]
    for body in filters:
        play.post(f"{path}/filter", body)
    for missing in ("/work_pools/q/queues/none", "/work_pools/none/queues/default"):
        play.get(missing)
        play.patch(missing, description="x")
        play.delete(missing)
    play.post("/work_pools/none/queues", name="x")
    play.post("/work_pools/none/queues/filter")
    play.get(f"{of_a}/status")
    play.delete(of_a)
    play.get(of_a)
    play.get("/work_queues/no-uuid")


def queues_without_a_pool(play: Player) -> None:
    play.post("/work_queues/", name="own")
    play.post("/work_queues/", name="own")
    play.get("/work_queues/name/own")
    second = play.post("/work_queues/", name="own-2", priority=1, concurrency_limit=2, description="x")["id"]
    play.get("/work_queues/name/own")
    for fields in ({"name": "own-3", "filter": {"tags": ["a"]}}, {"name": "l/3"}, {"name": ""}, {"name": "x", "foo": 3}):
        play.post("/work_queues/", fields)
    play.post("/work_queues/filter", work_queues={"name": {"startswith_": ["own"]}})
    play.post("/work_queues/filter", work_queues={"name": {"any_": ["own"]}}, limit=300)
    play.post(f"/work_queues/{second}/get_runs", limit=5, scheduled_before=play.at(60), agent_id=None)
    play.post(f"/work_queues/{second}/get_runs", limit=5, scheduled_before="x")
    play.get("/work_queues/name/none")
    play.delete(f"/work_queues/{second}")
    play.get("/work_pools/default-agent-pool")
    play.get("/work_pools/default-agent-pool/queues/default")


def workers(play: Player) -> None:
    play.post("/work_pools/", name="w", type="process")
    path = "/work_pools/w/workers"
    beats: list[dict[str, Any]] = [
        {"name": "w1"},
        {"name": "w2", "heartbeat_interval_seconds": 10},
        {"name": "w3", "heartbeat_interval_seconds": 1.5},
        {"name": "w5", "metadata": {"integrations": [{"name": "a", "version": "1"}]}},
        {"name": ""},
        {},
    ]
    for fields in beats:
        play.post(f"{path}/heartbeat", fields)
        play.get("/work_pools/w")
    play.post("/work_pools/none/workers/heartbeat", name="x")
    play.post("/work_pools/none/workers/filter")
    filters: list[dict[str, Any]] = [
        {},
        {"workers": {"status": {"any_": ["ONLINE"]}}},
        {"workers": {"status": {"any_": ["OFFLINE"]}}},
        {"workers": {"status": {"any_": ["FOO"]}}},
        {"workers": {"status": {"not_any_": ["ONLINE"]}}},
        {"workers": {"last_heartbeat_time": {"after_": "2020-01-01T00:00:00Z"}}},
        {"workers": {"last_heartbeat_time": {"before_": "2020-01-01T00:00:00Z"}}},
        {"limit": 1, "offset": 1},
        {"limit": 1000},
    ]
    for body in filters:
        play.post(f"{path}/filter", body)
    play.delete(f"{path}/w1")
    play.delete(f"{path}/w1")
    play.delete("/work_pools/none/workers/w1")
    play.patch("/work_pools/w", is_paused=True)
    play.post(f"{path}/heartbeat", name="w2")
    play.get("/work_pools/w")
    play.patch("/work_pools/w", is_paused=False)
    play.get("/work_pools/w")


def due_runs(play: Player) -> None:
    play.post("/work_pools/", name="due", type="process")
    path = "/work_pools/due"
    play.post(f"{path}/queues", name="hi", priority=1)
    play.post(f"{path}/queues", name="lo", priority=9)
    flow = play.post("/flows/", name="due")["id"]
    deployments = {
        queue: play.post("/deployments/", name=f"d-{queue}", flow_id=flow, work_pool_name="due", work_queue_name=queue)["id"]
        for queue in ("default", "hi", "lo")
    }
    for second, queue in enumerate(("lo", "default", "hi", "lo", "hi", "default"), 1):
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": f"2031-01-01T00:00:{second:02d}Z"}}
        play.post(f"/deployments/{deployments[queue]}/create_flow_run", name=f"r{second}", state=state)
    wanted: list[dict[str, Any]] = [
        {},
        {"limit": 2},
        {"limit": 0},
        {"limit": -1},
        {"limit": 500},
        {"limit": None, "foo": 1},
        {"scheduled_before": "2031-01-01T00:00:03Z"},
        {"scheduled_after": "2031-01-01T00:00:03Z"},
        {"scheduled_before": "2031-01-01T00:00:05Z", "scheduled_after": "2031-01-01T00:00:03Z"},
        {"scheduled_before": "2031-01-01T00:00:05+02:00"},
        {"scheduled_before": "2031-01-01 00:00:05+00:00"},
        {"scheduled_before": "nonsense"},
        {"work_queue_names": ["hi"]},
        {"work_queue_names": ["lo", "hi"]},
        {"work_queue_names": []},
        {"work_queue_names": None},
        {"work_queue_names": ["none"]},
    ]
    for body in wanted:
        play.post(f"{path}/get_scheduled_flow_runs", body)
    play.post("/work_pools/none/get_scheduled_flow_runs")
    changes: list[tuple[str, dict[str, Any]]] = [
        (f"{path}/queues/hi", {"is_paused": True}),
        (f"{path}/queues/hi", {"is_paused": False, "concurrency_limit": 1}),
        (f"{path}/queues/lo", {"concurrency_limit": 0}),
        (path, {"concurrency_limit": 2}),
        (path, {"concurrency_limit": 0}),
        (path, {"concurrency_limit": None, "is_paused": True}),
        (path, {"is_paused": False}),
        (f"{path}/queues/hi", {"concurrency_limit": None, "priority": 20}),
    ]
    for place, change in changes:
        play.patch(place, change)
        play.post(f"{path}/get_scheduled_flow_runs")
    asked: list[dict[str, Any]] = [
        {"deployment_ids": [deployments["hi"], deployments["lo"]], "scheduled_before": "2031-01-01T00:00:05Z"},
        {"deployment_ids": [deployments["hi"]], "limit": 1},
        {"deployment_ids": []},
        {"deployment_ids": ["x"]},
        {"deployment_ids": [NOBODY]},
        {},
    ]
    for body in asked:
        play.post("/deployments/get_scheduled_flow_runs", body)
    play.delete(f"{path}/queues/lo")
    play.post(f"{path}/get_scheduled_flow_runs")
    play.get(f"/deployments/{deployments['lo']}")
    play.delete(path)
    play.get(f"/deployments/{deployments['hi']}")


STORIES: Final[dict[str, Callable[[Player], None]]] = {
    "pools": pools,
    "searches for pools": searches_for_pools,
    "queues": queues,
    "queues without a pool": queues_without_a_pool,
    "workers": workers,
    "due runs": due_runs,
}
